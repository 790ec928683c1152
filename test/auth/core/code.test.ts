import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AGENT_CLIENT_ID } from '../../../src/relay/auth/server/agent-client.js';
import { authorize, begin, CALLBACK, call, login, post, redeem, refresh, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;
let client: string;

beforeAll(async () => {
  relay = await startRelay();
  client = await registered(relay.url);
});
afterAll(() => relay.stop());

describe('the authorization response', () => {
  test('has code, state and iss', async () => {
    const { answer } = await authorize(relay.url, client);
    expect(Object.fromEntries(answer)).toEqual({
      code: expect.any(String),
      state: 'the state',
      iss: relay.url,
    });
  });

  test.each([
    ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no PKCE method', { code_challenge_method: undefined }, 'invalid_request'],
    ['a foreign resource', { resource: 'https://other.example/mcp' }, 'invalid_target'],
    ['the relay itself as resource', { resource: 'RELAY' }, 'invalid_target'],
    ["the agent's resource", { resource: 'RELAY/ws' }, 'invalid_target'],
    ['a resource with a query', { resource: 'RELAY/mcp?x' }, 'invalid_target'],
    ['a response type of old', { response_type: 'token' }, 'unsupported_response_type'],
    ['no response type', { response_type: undefined }, 'invalid_request'],
    ['a request object', { request: 'x.y.z' }, 'request_not_supported'],
    ['prompt none', { prompt: 'none' }, 'login_required'],
  ])('an error is redirected with iss and state: %s', async (_name, extra, error) => {
    const query = {
      ...extra,
      ...('resource' in extra ? { resource: extra.resource?.replace('RELAY', relay.url) } : {}),
    };
    const { page } = await begin(relay.url, client, query);
    const answer = new URLSearchParams(page.url.search || page.url.hash.slice(1));
    expect(`${page.url.origin}${page.url.pathname}`).toBe(CALLBACK);
    expect(Object.fromEntries(answer)).toMatchObject({ error, iss: relay.url, state: 'the state' });
    expect(answer.has('code')).toBe(false);
  });

  test.each([
    ['an unregistered redirect URI', { redirect_uri: 'https://evil.example/' }],
    ['an unknown client', { client_id: 'nobody' }],
    ['__proto__ as client', { client_id: '__proto__' }],
    ['no client', { client_id: undefined }],
    ['markup', { client_id: '<script>alert(1)</script>' }],
  ])('is an error page and no redirect for %s', async (_name, extra) => {
    const { page } = await begin(relay.url, client, extra);
    expect(page.url.origin).toBe(relay.url);
    expect(page.status).toBe(400);
    expect(page.response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.body).not.toContain('<script>');
  });
});

describe('a code', () => {
  test('becomes an RFC 9068 access token for the resource', async () => {
    const tokens = await login(relay.url, client, { resource: `${relay.url}/mcp/laptop` });
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ typ: 'at+jwt', alg: 'EdDSA' });
    const claims = decodeJwt(tokens.access_token);
    expect(claims).toMatchObject({
      iss: relay.url,
      aud: `${relay.url}/mcp/laptop`,
      sub: 'https://idp.example|alice',
      client_id: client,
      scope: 'mcp',
      grant_id: expect.any(String),
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3600);
  });

  test('§7.38 needs the right verifier, redirect URI, client and resource', async () => {
    const other = await registered(relay.url);
    const wrong: readonly Record<string, string>[] = [
      { code_verifier: 'x'.repeat(43) },
      { redirect_uri: 'http://127.0.0.1:9999/other' },
      { client_id: other },
      { resource: 'https://other.example/mcp' },
      { resource: `${relay.url}/mcp/other` },
    ];
    for (const extra of wrong) {
      const { status, body } = await redeem(relay.url, client, await authorize(relay.url, client), extra);
      expect(status, JSON.stringify(extra)).toBe(400);
      expect(body.error).toBe('resource' in extra ? 'invalid_target' : 'invalid_grant');
    }
  });

  test('is redeemed once by 50 requests at the same time', async () => {
    const done = await authorize(relay.url, client);
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(relay.url, client, done)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(49);
  });

  test('§7.38 replayed revokes what it gave', async () => {
    const done = await authorize(relay.url, client);
    const first = await redeem(relay.url, client, done);
    expect((await call(`${relay.url}/mcp`, first.body.access_token)).status).toBe(200);
    expect((await redeem(relay.url, client, done)).body.error).toBe('invalid_grant');
    expect((await call(`${relay.url}/mcp`, first.body.access_token)).status).toBe(401);
    expect((await refresh(relay.url, client, first.body.refresh_token)).body.error).toBe('invalid_grant');
  });
});

describe('the resource', () => {
  test.each(['/mcp/', '/MCP-UPPER'])('is taken in the form of %s at both endpoints', async (form) => {
    const written = form === '/mcp/' ? `${relay.url}/mcp/` : `${relay.url.toUpperCase().replace('HTTP', 'http')}/mcp`;
    const done = await authorize(relay.url, client, { resource: written });
    const { body } = await redeem(relay.url, client, done, { resource: written });
    expect(decodeJwt(body.access_token).aud).toBe(`${relay.url}/mcp`);
    const again = await refresh(relay.url, client, body.refresh_token, { resource: written });
    expect(decodeJwt(again.body.access_token).aud).toBe(`${relay.url}/mcp`);
  });

  test('may differ by the slash between the two', async () => {
    const done = await authorize(relay.url, client, { resource: `${relay.url}/mcp` });
    expect((await redeem(relay.url, client, done, { resource: `${relay.url}/mcp/` })).status).toBe(200);
  });

  test('two of them are refused', async () => {
    const { browser } = await begin(relay.url, client);
    const query = new URLSearchParams({ client_id: client, redirect_uri: CALLBACK, response_type: 'code' });
    query.set('code_challenge', 'x'.repeat(43));
    query.set('code_challenge_method', 'S256');
    query.append('resource', `${relay.url}/mcp/a`);
    query.append('resource', `${relay.url}/mcp/b`);
    const { url } = await browser.open(`/authorize?${query}`);
    expect(url.searchParams.get('error')).toBe('invalid_target');
  });
});

describe('scopes that clients ask for', () => {
  test.each([
    undefined,
    'mcp',
    'openid email profile',
    'mcp offline_access',
    'other:scope',
    'tunnel',
    'openid profile email offline_access mcp',
  ])('%s opens /mcp', async (scope) => {
    const tokens = await login(relay.url, client, {
      scope,
      ...(scope?.includes('offline') ? { prompt: 'consent' } : {}),
    });
    expect(tokens.scope.split(' ')).toContain('mcp');
    expect(tokens.scope).not.toContain('tunnel');
    expect((await call(`${relay.url}/mcp`, tokens.access_token)).status).toBe(200);
    expect(tokens.refresh_token).toEqual(expect.any(String));
  });

  test('openid gives an id token, and nonce without openid does no harm', async () => {
    const { body } = await redeem(
      relay.url,
      client,
      await authorize(relay.url, client, { scope: 'openid', nonce: 'n' }),
    );
    expect(decodeJwt(body.id_token)).toMatchObject({ aud: client, nonce: 'n', iss: relay.url });
    await login(relay.url, client, { nonce: 'n', max_age: '100', prompt: 'select_account create' });
  });

  test('a client without the refresh grant gets no refresh token', async () => {
    const short = await registered(relay.url, { grant_types: ['authorization_code'] });
    expect(await login(relay.url, short)).not.toHaveProperty('refresh_token');
  });
});

describe('the agent', () => {
  test.each(['http://127.0.0.1:4711/callback', 'http://localhost:4711/callback', 'http://[::1]:4711/callback'])(
    'logs in over %s for the tunnel only',
    async (redirect_uri) => {
      const tokens = await login(relay.url, AGENT_CLIENT_ID, { redirect_uri });
      expect(tokens.scope).toBe('tunnel');
      expect(decodeJwt(tokens.access_token).aud).toBe(`${relay.url}/ws`);
      expect((await call(`${relay.url}/ws`, tokens.access_token)).status).toBe(200);
      expect((await call(`${relay.url}/mcp`, tokens.access_token)).status).toBe(401);
    },
  );

  test('cannot have a token for /mcp', async () => {
    const extra = { redirect_uri: 'http://127.0.0.1:1/callback', resource: `${relay.url}/mcp` };
    const { page } = await begin(relay.url, AGENT_CLIENT_ID, extra);
    expect(page.url.searchParams.get('error')).toBe('invalid_target');
  });

  test('has no redirect elsewhere', async () => {
    for (const redirect_uri of [`${relay.url}/login/code/x`, `${relay.url}/`, 'https://evil.example/login/code']) {
      expect((await begin(relay.url, AGENT_CLIENT_ID, { redirect_uri })).page.status).toBe(400);
    }
  });
});

test.each(['password', 'client_credentials', 'implicit'])('the grant %s is not offered', async (grant_type) => {
  const { status, body } = await post(`${relay.url}/token`, { grant_type, client_id: client });
  expect(status).toBe(400);
  expect(body.error).toBe('unsupported_grant_type');
});

test('the token endpoint is open to web pages', async () => {
  const done = await authorize(relay.url, client);
  const form = { grant_type: 'authorization_code', client_id: client, code: done.answer.get('code') ?? '' };
  const headers = { origin: 'https://inspector.example' };
  const { status, headers: got } = await post(
    `${relay.url}/token`,
    { ...form, code_verifier: done.verifier, redirect_uri: CALLBACK },
    headers,
  );
  expect(status).toBe(200);
  expect(got.get('access-control-allow-origin')).toBe('https://inspector.example');
});
