import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import * as oauth from 'openid-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from './browser.js';
import { CALLBACK, call, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;

beforeAll(async () => {
  relay = await startRelay();
});
afterAll(() => relay.stop());

async function approve(authorizationUrl: URL): Promise<URL> {
  const browser = new Browser(relay.url);
  const page = await browser.open(authorizationUrl);
  const { uid } = JSON.parse(page.body);
  return (await browser.open(`/interaction/${uid}/approve`, { method: 'POST' })).url;
}

/** What an MCP client built on the SDK keeps; in memory, with the browser that approves at once. */
class Credentials implements OAuthClientProvider {
  landed: URL | undefined;
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';

  readonly redirectUrl = 'http://localhost:33418/oauth/callback';

  readonly clientMetadata: OAuthClientMetadata = {
    client_name: 'SDK client',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'openid email profile',
  };

  clientInformation = (): OAuthClientInformationMixed | undefined => this.#client;
  saveClientInformation = (client: OAuthClientInformationMixed): void => {
    this.#client = client;
  };
  tokens = (): OAuthTokens | undefined => this.#tokens;
  saveTokens = (tokens: OAuthTokens): void => {
    this.#tokens = tokens;
  };
  saveCodeVerifier = (verifier: string): void => {
    this.#verifier = verifier;
  };
  codeVerifier = (): string => this.#verifier;
  redirectToAuthorization = async (url: URL): Promise<void> => {
    this.landed = await approve(url);
  };
}

test.each(['/mcp', '/mcp/laptop/shell'])(
  'the MCP SDK finds its way from %s to a token, and renews it',
  async (path) => {
    const serverUrl = `${relay.url}${path}`;
    const credentials = new Credentials();
    expect(await auth(credentials, { serverUrl })).toBe('REDIRECT');
    const authorizationCode = credentials.landed?.searchParams.get('code') ?? '';
    expect(await auth(credentials, { serverUrl, authorizationCode })).toBe('AUTHORIZED');
    const first = credentials.tokens();
    expect((await call(serverUrl, first?.access_token)).body.audience).toBe(serverUrl);
    expect(await auth(credentials, { serverUrl })).toBe('AUTHORIZED');
    expect(credentials.tokens()?.refresh_token).not.toBe(first?.refresh_token);
    expect((await call(serverUrl, credentials.tokens()?.access_token)).status).toBe(200);
  },
);

test('openid-client, which checks issuer and iss strictly, logs in, renews and revokes', async () => {
  const client = await registered(relay.url);
  const config = await oauth.discovery(new URL(relay.url), client, undefined, oauth.None(), {
    algorithm: 'oauth2',
    execute: [oauth.allowInsecureRequests],
  });
  const verifier = oauth.randomPKCECodeVerifier();
  const url = oauth.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: 'openid mcp',
    state: 's',
    nonce: 'n',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const checks = { pkceCodeVerifier: verifier, expectedState: 's', expectedNonce: 'n', idTokenExpected: true };
  const tokens = await oauth.authorizationCodeGrant(config, await approve(url), checks);
  expect(tokens.claims()?.sub).toBe('https://idp.example|alice');
  const renewed = await oauth.refreshTokenGrant(config, tokens.refresh_token ?? '');
  expect((await call(`${relay.url}/mcp`, renewed.access_token)).status).toBe(200);
  await oauth.tokenRevocation(config, renewed.access_token, { token_type_hint: 'access_token' });
  expect((await call(`${relay.url}/mcp`, renewed.access_token)).status).toBe(401);
});
