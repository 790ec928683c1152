import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { RelayConfig } from '../config/config.js';
import type { Logger } from '../log/logger.js';
import { Draining } from './draining.js';
import type { Store } from './store/store.js';
import { LOGGER, PUBLIC_URL, RELAY_CONFIG, STORE } from './tokens.js';

export interface Core {
  readonly config: RelayConfig;
  readonly store: Store;
  readonly publicUrl: string;
  readonly logger: Logger;
}

/** What every module of the relay may inject: config, store, public URL, logger, draining. */
@Global()
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest's form of a module with parameters
export class CoreModule {
  /** @param core made by `createRelay` before Nest starts; the caller closes the store */
  static of(core: Core): DynamicModule {
    return {
      module: CoreModule,
      providers: [
        { provide: RELAY_CONFIG, useValue: core.config },
        { provide: STORE, useValue: core.store },
        { provide: PUBLIC_URL, useValue: core.publicUrl },
        { provide: LOGGER, useValue: core.logger },
        Draining,
      ],
      exports: [RELAY_CONFIG, STORE, PUBLIC_URL, LOGGER, Draining],
    };
  }
}
