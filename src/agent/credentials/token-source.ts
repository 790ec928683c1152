import type { AgentConfig } from '../../config/config.js';
import { AGENT_SCOPE, DiscoveryError, discoverRelay, isNetworkError, tunnelResource } from './discovery.js';
import { CredentialStore, type Credentials } from './store.js';
import { type AccessTokenRequest, CredentialError, type TokenSource } from './types.js';

/** A token is refreshed this long before it expires: the relay's clock may differ from ours. */
const SKEW_MS = 60_000;

/** The login of this config as a source of access tokens. Reads the file each time: another process may have changed it. */
export function createTokenSource(config: AgentConfig): TokenSource {
  const store = new CredentialStore(config);
  let lastGiven: string | undefined;

  /** Good for another minute, and not the token the relay has just refused. */
  const usable = (credentials: Credentials, forceRefresh: boolean) =>
    isFresh(credentials) && !(forceRefresh && (lastGiven === undefined || credentials.accessToken === lastGiven));

  const load = async () => {
    const credentials = await store.load();
    if (credentials === undefined) throw notLoggedIn(config);
    return credentials;
  };

  const refreshAlone = async (forceRefresh: boolean, signal: AbortSignal) => {
    // Read again under the lock: whoever held it before us has most likely done the work.
    const credentials = await load();
    if (usable(credentials, forceRefresh)) return credentials;
    return refresh(config, store, credentials, signal);
  };

  return {
    async accessToken({ forceRefresh = false, signal }: AccessTokenRequest): Promise<string> {
      let credentials = await load();
      if (!usable(credentials, forceRefresh)) {
        credentials = await store.exclusively(signal, () => refreshAlone(forceRefresh, signal));
      }
      lastGiven = credentials.accessToken;
      return credentials.accessToken;
    },
  };
}

/** False also where the clock was set back to before the token was made: its expiry then says nothing. */
function isFresh({ obtainedAt, expiresAt }: Credentials): boolean {
  const now = Date.now();
  // A relay may hand out tokens that live shorter than the skew.
  const skew = Math.min(SKEW_MS, (expiresAt - obtainedAt) / 2);
  return now >= obtainedAt - SKEW_MS && now < expiresAt - skew;
}

async function refresh(
  config: AgentConfig,
  store: CredentialStore,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<Credentials> {
  const { refreshToken } = credentials;
  if (refreshToken === undefined) throw expired(config);
  try {
    const server = await discoverRelay(config, signal);
    const { refreshTokenGrant } = await import('openid-client');
    const parameters = { resource: tunnelResource(config), scope: AGENT_SCOPE };
    const tokens = await refreshTokenGrant(server, refreshToken, parameters);
    const refreshed: Credentials = {
      ...credentials,
      accessToken: tokens.access_token,
      ...lifetime(tokens.expires_in),
      // A relay's grace for a token presented twice answers without a new refresh token.
      refreshToken: tokens.refresh_token ?? refreshToken,
    };
    await store.save(refreshed);
    return refreshed;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DiscoveryError)
      throw new CredentialError('relay_unreachable', error.message, { cause: error });
    const { ResponseBodyError } = await import('openid-client');
    if (error instanceof ResponseBodyError && error.status < 500 && error.status !== 429) {
      // Kept without its refresh token: nobody asks the relay again, and status can tell what happened.
      const { refreshToken: _refused, ...rest } = credentials;
      await store.save({ ...rest, expiresAt: rest.obtainedAt });
      throw expired(config, error);
    }
    if (isNetworkError(error) || error instanceof ResponseBodyError) {
      const message = `The relay ${config.relay} could not be asked for a new token. It is tried again by itself.`;
      throw new CredentialError('relay_unreachable', message, { cause: error });
    }
    throw error;
  }
}

/** When a token that was just received ends. Without `expires_in` (RFC 6749 §5.1 only recommends it): in five minutes. */
export function lifetime(expiresIn: number | undefined): { readonly obtainedAt: number; readonly expiresAt: number } {
  const obtainedAt = Date.now();
  return { obtainedAt, expiresAt: obtainedAt + (expiresIn ?? 300) * 1000 };
}

function notLoggedIn({ relay }: AgentConfig): CredentialError {
  return new CredentialError('not_logged_in', `Not logged in at ${relay}. Run: mcp-local-tunnel login`);
}

function expired({ relay }: AgentConfig, cause?: unknown): CredentialError {
  const message = `The login at ${relay} is no longer accepted. Run: mcp-local-tunnel login`;
  return new CredentialError('login_expired', message, { cause });
}
