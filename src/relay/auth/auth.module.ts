import { type DynamicModule, Module } from '@nestjs/common';
import type { RelayConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { relaySecret } from '../store/secret.js';
import type { Store } from '../store/store.js';
import { BearerGuard } from './bearer.guard.js';
import { INTERACTIONS } from './interactions.js';
import { deriveKeys, type RelayKeys } from './keys.js';
import { ResourceMetadataController } from './resource-metadata.controller.js';
import { Resources } from './resources.js';
import { Revocations } from './revocations.js';
import { AuthorizationServer, createAuthorizationServer } from './server/authorization-server.js';
import type { RenderDevicePage } from './server/device-flow.js';
import type { RenderErrorPage } from './server/error-page.js';
import { TokenVerifier } from './token-verifier.js';

export interface AuthParts {
  readonly config: RelayConfig;
  /** Open; the caller closes it after Nest has ended. */
  readonly store: Store;
  readonly logger: Logger;
  /** The issuer: origin without a trailing slash. */
  readonly publicUrl: string;
  /** Fetches what client ids point to; absent: only from the public internet. */
  readonly fetch?: typeof globalThis.fetch;
  /** Makes the pages of errors; absent: plain ones. */
  readonly renderErrorPage?: RenderErrorPage;
  /** Makes the page at which a device's code is typed. */
  readonly renderDevicePage: RenderDevicePage;
}

/** Nest injection token for RelayKeys (keys.ts). */
export const RELAY_KEYS = Symbol('RelayKeys');

// A token issued just before its grant was revoked is accepted this much past its end, as clocks may differ.
const CLOCK_TOLERANCE_SECONDS = 60;

/**
 * Who is asking: the authorization server, and the check of its tokens. Global, so that /mcp, /ws and the pages inject
 * TokenVerifier, BearerGuard, INTERACTIONS, AuthorizationServer, Resources and RELAY_KEYS without importing it.
 */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest's form of a module with parameters
export class AuthModule {
  static register(parts: AuthParts): DynamicModule {
    const { config, store, publicUrl } = parts;
    const logger = parts.logger.child('auth');
    const { limits } = config;
    return {
      module: AuthModule,
      global: true,
      controllers: [ResourceMetadataController],
      providers: [
        { provide: Resources, useValue: new Resources(publicUrl) },
        { provide: RELAY_KEYS, useFactory: async () => deriveKeys(await relaySecret(config)) },
        {
          provide: Revocations,
          useFactory: () => Revocations.load(store, limits.accessTokenSeconds + CLOCK_TOLERANCE_SECONDS),
        },
        {
          provide: AuthorizationServer,
          useFactory: (resources: Resources, revocations: Revocations, keys: RelayKeys) =>
            createAuthorizationServer({
              limits,
              store,
              logger,
              resources,
              revocations,
              keys,
              fetch: parts.fetch,
              renderErrorPage: parts.renderErrorPage,
              renderDevicePage: parts.renderDevicePage,
            }),
          inject: [Resources, Revocations, RELAY_KEYS],
        },
        {
          provide: TokenVerifier,
          useFactory: (resources: Resources, keys: RelayKeys, revocations: Revocations) =>
            new TokenVerifier(resources, keys.signing, revocations),
          inject: [Resources, RELAY_KEYS, Revocations],
        },
        {
          provide: INTERACTIONS,
          useFactory: (server: AuthorizationServer) => server.interactions,
          inject: [AuthorizationServer],
        },
        BearerGuard,
      ],
      exports: [Resources, RELAY_KEYS, AuthorizationServer, TokenVerifier, INTERACTIONS, BearerGuard],
    };
  }
}
