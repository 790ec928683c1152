import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Adapter } from 'oidc-provider';
import type { Limits } from '../../../config/config.js';
import type { Logger } from '../../../log/logger.js';
import type { Store } from '../../store/store.js';
import type { Interactions } from '../interactions.js';
import { derive, type RelayKeys } from '../keys.js';
import type { Resources } from '../resources.js';
import type { Revocations } from '../revocations.js';
import { ApprovedDocuments } from './approved-documents.js';
import { ClientRecords } from './client-records.js';
import { configuration } from './configuration.js';
import { DeviceCodeRecords } from './device-code-records.js';
import type { RenderDevicePage } from './device-flow.js';
import { DevicePolling } from './device-polling.js';
import { DisplayNames } from './display-names.js';
import { plainErrorPage, type RenderErrorPage, tooManyRenderer } from './error-page.js';
import { fixOrigin } from './fixed-origin.js';
import { GrantRecords } from './grant-records.js';
import { loadOidcProvider, oidcProviderContext } from './load.js';
import { type Client, isDocument } from './pending-client.js';
import { ProviderInteractions } from './provider-interactions.js';
import { PublicFetch } from './public-fetch.js';
import { withQuietContext } from './quiet-context.js';
import { createRateLimits, type RateLimits } from './rate-limits.js';
import { Records } from './records.js';
import { RefreshGrace } from './refresh-grace.js';
import { type RevokeGrant, revokeAccessToken } from './revoke-access-token.js';

export interface AuthorizationServerParts {
  readonly limits: Limits;
  readonly store: Store;
  readonly logger: Logger;
  readonly resources: Resources;
  readonly revocations: Revocations;
  readonly keys: RelayKeys;
  /** Fetches client documents and keys; absent: PublicFetch. */
  readonly fetch?: typeof globalThis.fetch;
  /** What a browser is shown when it cannot be sent back to the client; absent: plain pages. */
  readonly renderErrorPage?: RenderErrorPage;
  /** The page at which a device's code is typed. */
  readonly renderDevicePage: RenderDevicePage;
}

/** The OAuth 2.1 authorization server: what `mountAuthorizationServer` serves, and what the relay asks of it. */
export class AuthorizationServer {
  constructor(
    readonly resources: Resources,
    /** Answers one request on one of the server's own paths; never rejects. */
    readonly handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>,
    readonly interactions: Interactions,
    readonly rateLimits: RateLimits,
    /** Ends a grant at once: its refresh tokens, access tokens, and through TokenVerifier.onRevoked its connections. */
    readonly revokeGrant: RevokeGrant,
    private readonly end: () => Promise<void>,
  ) {}

  async onModuleDestroy(): Promise<void> {
    this.rateLimits.close();
    await this.end();
  }
}

/** @throws Error when the guard of outgoing requests cannot be set up */
export async function createAuthorizationServer(parts: AuthorizationServerParts): Promise<AuthorizationServer> {
  const { limits, store, logger, resources, revocations, keys } = parts;
  const { renderErrorPage = plainErrorPage } = parts;
  const lib = await loadOidcProvider();
  const guard = await PublicFetch.checked();
  const recordParts = { store, revocations, errors: lib.errors, refreshGraceSeconds: limits.refreshGraceSeconds };
  const clients = new ClientRecords({ store, errors: lib.errors, limits });
  const grants = new GrantRecords(recordParts);
  const refreshTokens = new Records('RefreshToken', recordParts);
  const adapters: Readonly<Record<string, Adapter>> = {
    Client: clients,
    Grant: grants,
    RefreshToken: refreshTokens,
    DeviceCode: new DeviceCodeRecords(recordParts, derive(keys.sealing, 'user codes')),
  };
  const documents = new ApprovedDocuments(store, parts.fetch ?? guard.fetch, logger);
  const clientApproved = (client: Client): Promise<void> =>
    isDocument(client) ? documents.keep(client.clientId, client.metadata()) : clients.approved(client.clientId);
  const names = new DisplayNames(store);
  const polling = new DevicePolling(store);
  const grace = new RefreshGrace(refreshTokens, lib.errors, limits);

  const provider = new lib.Provider(
    resources.issuer,
    configuration({
      lib,
      resources,
      keys,
      limits,
      adapter: (model: string) => adapters[model] ?? new Records(model, recordParts),
      fetch: documents.fetch,
      renderErrorPage,
      renderDevicePage: parts.renderDevicePage,
      rotateRefreshToken: (ctx) => grace.rotate(ctx),
    }),
  );
  const revokeGrant: RevokeGrant = async (grantId) => {
    await provider.RefreshToken.revokeByGrantId(grantId);
    await provider.AuthorizationCode.revokeByGrantId(grantId);
    await provider.DeviceCode.revokeByGrantId(grantId);
    await grants.destroy(grantId);
  };
  fixOrigin(provider);
  provider.use((ctx, next) => polling.answer(ctx, next));
  provider.use((ctx, next) => grace.answer(ctx, next));
  provider.use((ctx, next) => names.tell(ctx, next));
  provider.use((ctx, next) => revokeAccessToken(ctx, next, keys.signing, revokeGrant));
  logEvents(provider, logger);

  return new AuthorizationServer(
    resources,
    withQuietContext(await oidcProviderContext(), provider.callback()),
    new ProviderInteractions({ provider, lib, names, resources, clientApproved }),
    createRateLimits(limits, tooManyRenderer(renderErrorPage)),
    revokeGrant,
    () => guard.close(),
  );
}

function logEvents(provider: Provider, logger: Logger): void {
  provider.on('registration_create.success', (_ctx, client) => {
    logger.info('client registered', { client: client.clientId, name: client.clientName });
  });
  provider.on('grant.revoked', (_ctx, grantId) => logger.info('grant revoked', { grant: grantId }));
  provider.on('authorization.error', (ctx, error) => {
    logger.info('authorization refused', { client: ctx.oidc.client?.clientId, error: error.message });
  });
  provider.on('device_authorization.error', (ctx, error) => {
    logger.info('device login refused', { client: ctx.oidc.client?.clientId, error: error.message });
  });
  provider.on('grant.error', (ctx, error) => {
    // What every poll of a device is told until its person has answered.
    if (error.message === 'authorization_pending') return;
    logger.info('token request refused', { client: ctx.oidc.client?.clientId, error: error.message });
  });
  // A failure of ours (the disk, a mistake in the program): the client is told `server_error`.
  provider.on('server_error', (_ctx, error) => logger.error('authorization server failed', { error: error.stack }));
  provider.onerror = (error) => logger.error('authorization server failed', { error: error.stack });
}
