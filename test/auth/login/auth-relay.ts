import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculatePKCECodeChallenge, randomPKCECodeVerifier } from 'openid-client';
import type { OidcLoginConfig, RelayConfig } from '../../../src/config/config.js';
import { limitDefaults } from '../../../src/config/limits.js';
import { TokenVerifier } from '../../../src/relay/auth/token-verifier.js';
import { createRelay } from '../../../src/relay/relay.js';
import type { TestOidcProvider } from '../../helpers/oidc-provider.js';
import { type LogLine, logTo } from './web-harness.js';

export interface AuthRelay extends AsyncDisposable {
  readonly url: string;
  readonly verifier: TokenVerifier;
  readonly setupUrl: string | undefined;
  readonly resetUrl: string | undefined;
  readonly log: LogLine[];
}

/** How a relay is started: a data folder given here stays. */
export interface AuthRelayStart {
  readonly dataDir?: string;
  readonly port?: number;
  readonly resetOwner?: boolean;
  readonly requestsPerMinute?: number;
}

/** A whole relay, by default on a free port of this machine and with a data folder of its own. */
export async function startAuthRelay(
  provider?: TestOidcProvider,
  auth: Partial<OidcLoginConfig> = {},
  start: AuthRelayStart = {},
): Promise<AuthRelay> {
  const dataDir = start.dataDir ?? (await mkdtemp(join(tmpdir(), 'relay-')));
  const log: LogLine[] = [];
  const config: RelayConfig = {
    mode: 'relay',
    port: start.port ?? 0,
    host: '127.0.0.1',
    dataDir,
    trustProxy: false,
    limits: { ...limitDefaults, requestsPerMinute: start.requestsPerMinute ?? 5000, tokensPerMinute: 5000 },
    ...(provider === undefined
      ? {}
      : {
          auth: {
            issuer: provider.issuer,
            clientId: provider.clientId,
            ...(provider.clientSecret === undefined ? {} : { clientSecret: provider.clientSecret }),
            scopes: ['openid', 'email'],
            userClaim: 'sub',
            allow: {},
            ...auth,
          },
        }),
  };
  const relay = await createRelay(config, { logger: logTo(log), resetOwner: start.resetOwner ?? false });
  provider?.allowRedirect(`${relay.publicUrl}/callback`);
  return {
    url: relay.publicUrl,
    log,
    verifier: relay.nest.get(TokenVerifier, { strict: false }),
    setupUrl: relay.setupUrl,
    resetUrl: relay.resetUrl,
    [Symbol.asyncDispose]: async () => {
      await relay.close();
      if (start.dataDir === undefined) await rm(dataDir, { recursive: true });
    },
  };
}

/** A client on loopback that a browser can come back to. */
export interface LoopbackClient extends AsyncDisposable {
  readonly redirectUri: string;
}

export async function startLoopbackClient(): Promise<LoopbackClient> {
  const server = createServer((_req, res) => void res.end('back at the client')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    redirectUri: `http://127.0.0.1:${address.port}/callback`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface AuthorizationRequest {
  readonly url: string;
  readonly clientId: string;
  /** Redeems the authorization response at /token for an access token. */
  redeem(response: URL): Promise<string>;
}

/** Registers a client (RFC 7591) unless one is given, and begins an authorization request with PKCE. */
export async function authorizationRequest(
  relay: AuthRelay,
  redirectUri: string,
  options: { readonly clientId?: string; readonly resource?: string } = {},
): Promise<AuthorizationRequest> {
  const clientId = options.clientId ?? (await register(relay, redirectUri));
  const verifier = randomPKCECodeVerifier();
  const resource = options.resource ?? `${relay.url}/mcp`;
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state: 'a state of the client',
    resource,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  return {
    url: `${relay.url}/authorize?${query}`,
    clientId,
    redeem: async (response) => {
      const body = new URLSearchParams({
        grant_type: 'authorization_code',
        code: response.searchParams.get('code') ?? '',
        redirect_uri: redirectUri,
        client_id: clientId,
        code_verifier: verifier,
        resource,
      });
      return member(await fetch(`${relay.url}/token`, { method: 'POST', body }), 'access_token');
    },
  };
}

async function register(relay: AuthRelay, redirectUri: string): Promise<string> {
  const response = await fetch(`${relay.url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Loopback client',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    }),
  });
  return member(response, 'client_id');
}

/** A text member of a JSON answer. */
async function member(response: Response, name: string): Promise<string> {
  const body = new Map(Object.entries(Object(await response.json())));
  const value = body.get(name);
  if (typeof value !== 'string') throw new Error(`${response.url}: ${response.status} without ${name}`);
  return value;
}
