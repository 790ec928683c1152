import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { Limits } from '../../../config/config.js';
import type { RelayKeys } from '../keys.js';
import { MANAGE_SCOPE, type Resources } from '../resources.js';
import { AGENT_CLIENT_ID, agentClient } from './agent-client.js';
import { openidScopes } from './authorize-request.js';
import { tidyClientMetadata } from './client-metadata.js';
import { DEVICE_CODE_SECONDS, DEVICE_PATH, deviceFlow, type RenderDevicePage } from './device-flow.js';
import { errorRenderer, type RenderErrorPage } from './error-page.js';
import type { OidcProvider } from './load.js';

const HOUR = 3600;
const DAY = 24 * HOUR;

export interface ConfigurationParts {
  readonly lib: OidcProvider;
  readonly resources: Resources;
  readonly keys: RelayKeys;
  readonly limits: Limits;
  readonly adapter: NonNullable<Configuration['adapter']>;
  readonly fetch: NonNullable<Configuration['fetch']>;
  readonly renderErrorPage: RenderErrorPage;
  readonly renderDevicePage: RenderDevicePage;
  readonly rotateRefreshToken: (ctx: KoaContextWithOIDC) => Promise<boolean>;
}

/** oidc-provider set up as an OAuth 2.1 authorization server for MCP clients and for the agent. */
export function configuration(parts: ConfigurationParts): Configuration {
  const { lib, resources, keys, limits } = parts;
  return {
    adapter: parts.adapter,
    fetch: parts.fetch,
    fetchResponseBodyLimits: {
      'client_id metadata document': 5 * 1024,
      jwks_uri: 64 * 1024,
      sector_identifier_uri: 5 * 1024,
    },
    jwks: { keys: [keys.signing.privateJwk] },
    cookies: cookies(keys.cookie, resources.issuer.startsWith('https:')),
    // The paths that clients of the 2025-03-26 revision assume without asking.
    routes: {
      authorization: '/authorize',
      token: '/token',
      registration: '/register',
      revocation: '/revoke',
      jwks: '/jwks',
      device_authorization: `${DEVICE_PATH}/auth`,
      code_verification: DEVICE_PATH,
    },
    clients: [agentClient],
    clientAuthMethods: ['none', 'private_key_jwt'],
    clientDefaults: {
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'EdDSA',
    },
    extraClientMetadata: {
      properties: ['software_id'],
      validator: (_ctx, _key, _value, metadata) => tidyClientMetadata(metadata, lib.errors),
    },
    responseTypes: ['code'],
    scopes: ['mcp', MANAGE_SCOPE, ...openidScopes],
    claims: { openid: ['sub'] },
    pkce: { required: () => true },
    clientBasedCORS: () => true,
    features: features(parts),
    findAccount: (ctx, accountId) => {
      tidyResourceParameter(ctx, resources);
      return { accountId, claims: () => ({ sub: accountId }) };
    },
    // Each authorization is asked for again: only what this very interaction granted counts.
    loadExistingGrant: (ctx) => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    interactions: { policy: policy(lib), url: (_ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: parts.rotateRefreshToken,
    expiresWithSession: () => false,
    extraTokenClaims: (_ctx, token) => ('grantId' in token ? { grant_id: token.grantId } : undefined),
    renderError: errorRenderer(parts.renderErrorPage),
    clockTolerance: 60,
    ttl: {
      AccessToken: limits.accessTokenSeconds,
      AuthorizationCode: 60,
      DeviceCode: DEVICE_CODE_SECONDS,
      Grant: limits.refreshTokenDays * DAY,
      IdToken: HOUR,
      Interaction: 15 * 60,
      RefreshToken: limits.refreshTokenDays * DAY,
      // Whoever looks at the page for codes has one, signed in or not.
      Session: (_ctx, { accountId }) => (accountId === undefined ? HOUR / 4 : 12 * HOUR),
    },
  };
}

function features(parts: ConfigurationParts): NonNullable<Configuration['features']> {
  const { lib, resources, limits } = parts;
  const off = { enabled: false } as const;
  return {
    devInteractions: off,
    dPoP: off,
    pushedAuthorizationRequests: off,
    rpInitiatedLogout: off,
    userinfo: off,
    deviceFlow: deviceFlow(parts.renderDevicePage, parts.renderErrorPage),
    registration: { enabled: true, issueRegistrationAccessToken: false },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    clientIdMetadataDocument: {
      enabled: true,
      ack: 'draft-02',
      allowFetch: oncePerRequest(),
      allowClient: () => true,
      // Long enough for a person to read the consent page before the token request needs the client again.
      cacheDuration: { min: 15 * 60, max: DAY },
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_ctx, client) => {
        return client?.clientId === AGENT_CLIENT_ID ? resources.tunnel.uri : resources.mcp.uri;
      },
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, indicator, client) => {
        const resource = resources.parse(indicator);
        const isAgent = client.clientId === AGENT_CLIENT_ID;
        // One token opens one thing: an agent's only its link, a client's never that, and never two at once.
        if (resource === undefined || (resource.scope === 'tunnel') !== isAgent || namesSeveral(ctx)) {
          throw new lib.errors.InvalidTarget();
        }
        if (ctx.oidc.route === 'device_authorization' && ctx.oidc.params?.scope !== resource.scope) {
          throw new lib.errors.InvalidScope('only the scope tunnel can be asked for here', 'tunnel');
        }
        return {
          scope: resource.scopes.join(' '),
          audience: resource.uri,
          accessTokenTTL: limits.accessTokenSeconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'EdDSA' } },
        };
      },
    },
  };
}

/** oidc-provider asks for a failed document again while it renders the error: the other host need not hear it twice. */
function oncePerRequest(): (ctx: object | undefined) => boolean {
  const fetched = new WeakSet<object>();
  return (ctx) => {
    if (ctx === undefined) return true;
    const first = !fetched.has(ctx);
    fetched.add(ctx);
    return first;
  };
}

function namesSeveral(ctx: KoaContextWithOIDC): boolean {
  const resource = ctx.oidc.params?.resource;
  return Array.isArray(resource) && resource.length > 1;
}

/**
 * The token request's `resource` in the form that the code or refresh token has it. oidc-provider compares the two
 * as text right after it has looked up the account, and offers no other place before that.
 */
function tidyResourceParameter(ctx: KoaContextWithOIDC, resources: Resources): void {
  const params = ctx.oidc.params;
  const indicator = params?.resource;
  if (params === undefined || typeof indicator !== 'string') return;
  params.resource = resources.parse(indicator)?.uri ?? indicator;
}

/** One interaction for every authorization, with our own pages for consent and sign-in inside it. */
function policy({ interactionPolicy: { Check, Prompt } }: OidcProvider) {
  const always = new Check('interaction', 'the user must approve each authorization', (ctx) => {
    return ctx.oidc.result?.consent?.grantId === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  });
  return [new Prompt({ name: 'login', requestable: true }, always), new Prompt({ name: 'consent', requestable: true })];
}

function cookies(key: string, secure: boolean): NonNullable<Configuration['cookies']> {
  const options = { signed: true, httpOnly: true, overwrite: true, sameSite: 'lax', secure } as const;
  return {
    keys: [key],
    // The last two belong to one authorization's own path, which `__Host-` does not allow; so two tabs do not mix.
    names: secure
      ? { session: '__Host-session', interaction: '__Secure-interaction', resume: '__Secure-resume' }
      : { session: 'relay_session', interaction: 'relay_interaction', resume: 'relay_resume' },
    long: { ...options, path: '/' },
    short: options,
  };
}
