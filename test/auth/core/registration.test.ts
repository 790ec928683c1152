import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorize, begin, CALLBACK, getJson, register, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;

beforeAll(async () => {
  relay = await startRelay({ limits: { registrationsPerHour: 1000 } });
});
afterAll(() => relay.stop());

describe('real clients register', () => {
  test.each([
    ['native loopback', { redirect_uris: [CALLBACK], application_type: 'native' }, 'native'],
    ['localhost without a type', { redirect_uris: ['http://localhost:3118/callback'] }, 'native'],
    ['localhost that says web', { redirect_uris: ['http://localhost:3118/cb'], application_type: 'web' }, 'native'],
    ['cursor://', { redirect_uris: ['cursor://anysphere.cursor-mcp/oauth/user-x/callback'] }, 'native'],
    ['vscode with both', { redirect_uris: ['https://vscode.dev/redirect', 'http://127.0.0.1/'] }, 'native'],
    ['reverse domain', { redirect_uris: ['com.example.app:/cb'] }, 'native'],
    ['claude.ai', { redirect_uris: ['https://claude.ai/api/mcp/auth_callback'] }, 'web'],
    ['asking for scopes', { redirect_uris: [CALLBACK], scope: 'openid email profile other:thing' }, 'native'],
    [
      'asking for more grants',
      { redirect_uris: [CALLBACK], grant_types: ['implicit', 'client_credentials'] },
      'native',
    ],
    ['with RS256 id tokens', { redirect_uris: [CALLBACK], id_token_signed_response_alg: 'RS256' }, 'native'],
  ])('%s', async (_name, metadata, type) => {
    const { status, body } = await register(relay.url, { client_name: 'x', ...metadata });
    expect(status, JSON.stringify(body)).toBe(201);
    expect(body).toMatchObject({
      application_type: type,
      token_endpoint_auth_method: 'none',
      redirect_uris: metadata.redirect_uris,
    });
    expect(body.client_id).toEqual(expect.any(String));
    expect(body.client_id_issued_at).toEqual(expect.any(Number));
  });

  test.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt'])(
    '%s is registered as none, without a secret',
    async (method) => {
      const { status, body } = await register(relay.url, {
        redirect_uris: [CALLBACK],
        token_endpoint_auth_method: method,
      });
      expect(status).toBe(201);
      expect(body.token_endpoint_auth_method).toBe('none');
      expect(body).not.toHaveProperty('client_secret');
      expect(body).not.toHaveProperty('registration_access_token');
    },
  );

  test('from a web page', async () => {
    const headers = { origin: 'https://inspector.example', 'content-type': 'application/json' };
    const body = JSON.stringify({ redirect_uris: ['https://inspector.example/cb'] });
    const made = await getJson(`${relay.url}/register`, { method: 'POST', headers, body });
    expect(made.status).toBe(201);
    expect(made.headers.get('access-control-allow-origin')).toBe('*');
    const preflight = await fetch(`${relay.url}/register`, { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('POST');
  });
});

test.each([
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  'data:text/html,x',
  'file:///etc/passwd',
  'vbscript:x',
  'blob:https://a.example/x',
  'intent://x#Intent;end',
  'ms-settings:x',
  'view-source:https://a.example/',
  'http://evil.example/cb',
  'http://127.0.0.1.evil.example/cb',
  'http://192.168.1.4/cb',
  'https://user:pw@a.example/cb',
  'https://a.example/cb#fragment',
  '/relative',
  '',
])('a redirect to %s is refused', async (uri) => {
  for (const application_type of ['web', 'native', undefined]) {
    const { status, body } = await register(relay.url, {
      redirect_uris: ['https://a.example/', uri],
      application_type,
    });
    expect(status).toBe(400);
    expect(['invalid_redirect_uri', 'invalid_client_metadata']).toContain(body.error);
  }
});

test.each([
  ['a huge body', JSON.stringify({ redirect_uris: [CALLBACK], client_name: 'x'.repeat(200_000) })],
  [
    'a large document',
    JSON.stringify({ redirect_uris: [CALLBACK], tos_uri: `https://a.example/${'x'.repeat(20_000)}` }),
  ],
  ['a long name', JSON.stringify({ redirect_uris: [CALLBACK], client_name: 'x'.repeat(201) })],
  ['many redirects', JSON.stringify({ redirect_uris: Array.from({ length: 33 }, (_, n) => `https://a.example/${n}`) })],
  ['no redirects', '{}'],
  ['redirects that are no list', '{"redirect_uris":"https://a.example/"}'],
  ['redirects that are no text', '{"redirect_uris":[1,null,{}]}'],
  ['a list', '[]'],
  ['null', 'null'],
  ['broken JSON', '{'],
  ['deep JSON', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ['deep redirects', `{"redirect_uris":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
  ['deep keys', `{"redirect_uris":["${CALLBACK}"],"jwks":${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}}`],
])('%s is refused with 400', async (_name, text) => {
  const { status, body } = await register(relay.url, text);
  expect(status).toBe(400);
  expect(body.error).toMatch(/^invalid_/);
});

test('__proto__ pollutes nothing', async () => {
  const text = `{"redirect_uris":["${CALLBACK}"],"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`;
  const { status, body } = await register(relay.url, text);
  expect(status).toBe(201);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  expect(JSON.stringify(body)).not.toContain('polluted');
});

test.each([
  ['http://localhost:3118/callback', 'http://localhost:50123/callback', true],
  ['http://127.0.0.1:1/cb', 'http://127.0.0.1:50123/cb', true],
  ['http://[::1]:1/cb', 'http://[::1]:50123/cb', true],
  ['http://localhost:3118/callback', 'http://127.0.0.1:3118/callback', false],
  ['http://localhost:3118/callback', 'http://localhost:3118/other', false],
  ['https://a.example/cb', 'https://a.example:8443/cb', false],
  ['https://a.example/cb', 'https://a.example/cb/', false],
])('registered %s, coming back at %s: %s', async (uri, used, allowed) => {
  const client = await registered(relay.url, { redirect_uris: [uri] });
  const { page } = await begin(relay.url, client, { redirect_uri: used });
  expect(page.url.origin).toBe(relay.url);
  expect(page.status).toBe(allowed ? 200 : 400);
  if (!allowed) expect(page.body).toContain('redirect_uri');
});

test('at the limit an unused client makes room, one in use never does', async () => {
  await using small = await startRelay({ limits: { registeredClients: 2 } });
  const used = await registered(small.url);
  await authorize(small.url, used);
  const unused = await registered(small.url);
  const third = await registered(small.url);
  expect((await begin(small.url, used)).page.status).toBe(200);
  expect((await begin(small.url, third)).page.status).toBe(200);
  const gone = await begin(small.url, unused);
  expect(gone.page.status).toBe(400);
  expect(gone.page.body).toContain('invalid_client');
  await authorize(small.url, third);
  const { status, body } = await register(small.url, { redirect_uris: [CALLBACK] });
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'temporarily_unavailable' });
});
