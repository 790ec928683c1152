import { type MiddlewareConsumer, Module, type NestModule, type OnModuleDestroy, RequestMethod } from '@nestjs/common';
import type { RelayConfig } from '../../config/config.js';
import { appVersion } from '../../config/version.js';
import type { Logger } from '../../log/logger.js';
import { RELAY_KEYS } from '../auth/auth.module.js';
import { derive, type RelayKeys } from '../auth/keys.js';
import { TokenVerifier } from '../auth/token-verifier.js';
import { DevicesModule } from '../devices/devices.module.js';
import type { Devices } from '../devices/types.js';
import { Draining } from '../draining.js';
import type { Store } from '../store/store.js';
import { DEVICES, LOGGER, RELAY_CONFIG, STORE } from '../tokens.js';
import { cors } from './cors.js';
import { createEndpoint } from './create-endpoint.js';
import { McpController } from './mcp.controller.js';
import { McpEndpoint } from './mcp-endpoint.js';

/** The clients' side of the relay. Needs CoreModule and AuthModule, and no body parser on its paths. */
@Module({
  imports: [DevicesModule],
  controllers: [McpController],
  providers: [
    {
      provide: McpEndpoint,
      useFactory: (
        config: RelayConfig,
        store: Store,
        logger: Logger,
        draining: Draining,
        devices: Devices,
        verifier: TokenVerifier,
        keys: RelayKeys,
      ) =>
        createEndpoint({
          limits: config.limits,
          devices,
          store,
          draining,
          logger,
          sealKey: derive(keys.sealing, 'mcp'),
          version: appVersion(),
          onRevoked: (listener) => verifier.onRevoked(listener),
        }),
      inject: [RELAY_CONFIG, STORE, LOGGER, Draining, DEVICES, TokenVerifier, RELAY_KEYS],
    },
  ],
})
export class McpModule implements NestModule, OnModuleDestroy {
  constructor(private readonly endpoint: McpEndpoint) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply(cors)
      .forRoutes({ path: 'mcp', method: RequestMethod.ALL }, { path: 'mcp/*path', method: RequestMethod.ALL });
  }

  onModuleDestroy(): void {
    this.endpoint.close();
  }
}
