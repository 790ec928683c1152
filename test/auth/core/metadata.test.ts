import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, getJson } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;

beforeAll(async () => {
  relay = await startRelay();
});
afterAll(() => relay.stop());

const wellKnown = (path: string): string => `${relay.url}/.well-known/${path}`;

describe.each(['oauth-authorization-server', 'openid-configuration'])('%s', (name) => {
  test('names the issuer exactly and every endpoint at the origin', async () => {
    const { status, headers, body } = await getJson(wellKnown(name));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body).toMatchObject({
      issuer: relay.url,
      authorization_endpoint: `${relay.url}/authorize`,
      token_endpoint: `${relay.url}/token`,
      device_authorization_endpoint: `${relay.url}/device/auth`,
      registration_endpoint: `${relay.url}/register`,
      revocation_endpoint: `${relay.url}/revoke`,
      jwks_uri: `${relay.url}/jwks`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
      client_id_metadata_document_supported: true,
      authorization_response_iss_parameter_supported: true,
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['EdDSA'],
    });
    expect(body.grant_types_supported).toEqual(expect.arrayContaining(['authorization_code', 'refresh_token']));
    expect(body.scopes_supported).toEqual(expect.arrayContaining(['mcp', 'offline_access']));
    for (const off of ['userinfo_endpoint', 'introspection_endpoint', 'dpop_signing_alg_values_supported']) {
      expect(body).not.toHaveProperty(off);
    }
  });

  test('is the same whatever Host and forwarding headers say', async () => {
    const headers = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
    };
    const plain = await (await fetch(wellKnown(name))).text();
    expect(await (await fetch(wellKnown(name), { headers })).text()).toBe(plain);
    expect(plain).not.toContain('evil');
  });

  test('is the same under any Host', async () => {
    const { hostname, port } = new URL(relay.url);
    const req = request({ hostname, port, path: `/.well-known/${name}`, headers: { host: 'evil.example' } }).end();
    const [res] = await once(req, 'response');
    expect(await text(res)).toBe(await (await fetch(wellKnown(name))).text());
  });

  test('is open to web pages', async () => {
    const read = await fetch(wellKnown(name), { headers: { origin: 'https://inspector.example' } });
    expect(read.headers.get('access-control-allow-origin')).toBe('*');
    const preflight = await fetch(wellKnown(name), {
      method: 'OPTIONS',
      headers: {
        origin: 'https://inspector.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'mcp-protocol-version',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('mcp-protocol-version');
  });
});

test.each([
  '/.well-known/oauth-authorization-server/mcp',
  '/.well-known/oauth-authorization-server/mcp/laptop/shell',
  '/.well-known/openid-configuration/mcp',
  '/mcp/.well-known/openid-configuration',
  '/mcp/laptop/.well-known/oauth-authorization-server',
  '/register/some-client',
  '/token/x',
])('%s is 404 in JSON: no document of another issuer, no HTML, no challenge', async (path) => {
  const { status, headers, body } = await getJson(`${relay.url}${path}`);
  expect(status).toBe(404);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(headers.get('www-authenticate')).toBeNull();
  expect(body).toMatchObject({ error: 'not_found' });
});

test.each(['/register', '/token', '/revoke'])('GET %s is 405 in JSON', async (path) => {
  const { status, headers } = await getJson(`${relay.url}${path}`);
  expect(status).toBe(405);
  expect(headers.get('allow')).toBe('POST');
});

test.each([
  ['', '/mcp', 'mcp'],
  ['/mcp', '/mcp', 'mcp'],
  ['/mcp/laptop', '/mcp/laptop', 'mcp'],
  ['/mcp/no-such-device/no-such-server', '/mcp/no-such-device/no-such-server', 'mcp'],
  ['/ws', '/ws', 'tunnel'],
])('protected resource metadata%s names %s', async (path, resource, scope) => {
  const { status, headers, body } = await getJson(wellKnown(`oauth-protected-resource${path}`));
  expect(status).toBe(200);
  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(body).toMatchObject({
    resource: `${relay.url}${resource}`,
    authorization_servers: [relay.url],
    scopes_supported: [scope],
    bearer_methods_supported: ['header'],
  });
});

test.each(['/mcp/a/b/c', '/other', '/mcp/.hidden', '/mcp/a%20b'])('no document for %s', async (path) => {
  expect((await getJson(wellKnown(`oauth-protected-resource${path}`))).status).toBe(404);
});

test.each(['/mcp', '/mcp/laptop', '/mcp/laptop/shell'])('§7.5 401 at %s points to its own document', async (path) => {
  const { status, headers } = await call(`${relay.url}${path}`);
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toBe(
    `Bearer resource_metadata="${relay.url}/.well-known/oauth-protected-resource${path}", scope="mcp"`,
  );
});

test('only the public half of the signing key is published', async () => {
  const { body } = await getJson(`${relay.url}/jwks`);
  expect(body.keys).toHaveLength(1);
  expect(body.keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' });
  expect(body.keys[0]).not.toHaveProperty('d');
});

test.each(['http://relay.lan:3000', 'https://localhost:8443', 'https://relay.example', 'http://[::1]:3000'])(
  'a relay known as %s starts, and says so',
  async (issuerUrl) => {
    await using other = await startRelay({ issuerUrl });
    const { body } = await getJson(`${other.url}/.well-known/oauth-authorization-server`);
    expect(body).toMatchObject({ issuer: issuerUrl, token_endpoint: `${issuerUrl}/token` });
    const { headers } = await call(`${other.url}/mcp`);
    expect(headers.get('www-authenticate')).toContain(`"${issuerUrl}/.well-known/oauth-protected-resource/mcp"`);
  },
);
