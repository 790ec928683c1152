import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { authorize, begin, CALLBACK, call, login, redeem, refresh } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

const ID = 'https://client.example.com/oauth/metadata.json';
const documents = new Map<string, Response | (() => Response)>();
const fetched: string[] = [];
let relay: TestRelay;

beforeAll(async () => {
  relay = await startRelay({
    fetch: async (input) => {
      const url = input instanceof Request ? input.url : String(input);
      fetched.push(url);
      const document = documents.get(url);
      if (document === undefined) throw new TypeError('fetch failed');
      return typeof document === 'function' ? document() : document;
    },
  });
});
beforeEach(() => {
  documents.clear();
  fetched.length = 0;
});
afterAll(() => relay.stop());

function publish(document: object, id = `${ID}?${randomUUID()}`): string {
  const body = JSON.stringify({ client_id: id, ...document });
  documents.set(id, () => new Response(body, { headers: { 'content-type': 'application/json' } }));
  return id;
}

describe('a client id metadata document', () => {
  test('§7.5 is a client from /authorize to /mcp', async () => {
    const id = publish({ client_name: 'CIMD', redirect_uris: [CALLBACK], client_uri: 'https://client.example.com' });
    const { page } = await begin(relay.url, id);
    expect(JSON.parse(page.body).client).toMatchObject({ id, kind: 'document', uri: 'https://client.example.com' });
    const tokens = await login(relay.url, id);
    expect((await call(`${relay.url}/mcp`, tokens.access_token)).body.clientId).toBe(id);
    expect(fetched).toEqual([id]);
  });

  test("as in the specification's example, back at another port", async () => {
    const id = publish({
      client_name: 'Example MCP Client',
      client_uri: 'https://app.example.com',
      logo_uri: 'https://app.example.com/logo.png',
      redirect_uris: ['http://127.0.0.1:3000/callback', 'http://localhost:3000/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    });
    expect((await begin(relay.url, id, { redirect_uri: 'http://localhost:50001/callback' })).page.status).toBe(200);
  });

  test.each([
    ['of another client', { client_id: 'https://other.example.com/x', redirect_uris: [CALLBACK] }],
    ['with a secret', { client_secret: 'x', redirect_uris: [CALLBACK] }],
    ['with a secret method', { token_endpoint_auth_method: 'client_secret_post', redirect_uris: [CALLBACK] }],
    ['without redirects', {}],
    ['that leads to javascript:', { redirect_uris: [CALLBACK, 'javascript:alert(1)'] }],
    ['over 5 KiB', { redirect_uris: [CALLBACK], client_name: 'x', tos_uri: `https://a.example/${'x'.repeat(6000)}` }],
  ])('%s is refused', async (_name, document) => {
    const { page } = await begin(relay.url, publish(document));
    expect(page.status).toBe(400);
    expect(page.url.origin).toBe(relay.url);
  });

  test.each([
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://127.0.0.1/' } })],
    ['an error', () => new Response('no', { status: 404 })],
    ['no JSON', () => new Response('<html>')],
    ['a list', () => new Response('[]')],
  ])('that answers %s is refused', async (_name, answer) => {
    const id = `${ID}?${randomUUID()}`;
    documents.set(id, answer);
    expect((await begin(relay.url, id)).page.status).toBe(400);
    expect(fetched).toEqual([id]);
  });

  test('§7.38 that cannot be reached says so to the person, and why in the log', async () => {
    const id = `${ID}?${randomUUID()}`;
    documents.set(id, () => {
      throw new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND client.example.com') });
    });
    const { page } = await begin(relay.url, id);
    expect(page.body).toContain('which the relay has to reach over https');
    const line = relay.log.find((entry) => entry.includes('could not be fetched') && entry.includes('ENOTFOUND'));
    expect(line).toContain('client.example.com');
  });

  test.each([
    'http://client.example.com/x.json',
    'https://client.example.com/a/../x.json',
    'https://user@client.example.com/x.json',
    'https://client.example.com/x.json#f',
    'file:///etc/passwd',
  ])('%s is never fetched', async (id) => {
    expect((await begin(relay.url, id)).page.status).toBe(400);
    expect(fetched).toEqual([]);
  });
});

test('an approved client goes on while its host is down, and ends when its document is gone', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'relay-documents-'));
  let answer = (): Response => Response.json({ client_id: ID, client_name: 'Kept', redirect_uris: [CALLBACK] });
  // A relay remembers documents for a while; each restart forgets them.
  const restart = (port?: number) =>
    startRelay({ dataDir, fetch: async () => answer(), ...(port === undefined ? {} : { port }) });
  const first = await restart();
  const port = Number(new URL(first.url).port);
  const tokens = await login(first.url, ID);
  await first.stop();

  answer = () => new Response('', { status: 503 });
  const down = await restart(port);
  const renewed = await refresh(down.url, ID, tokens.refresh_token);
  expect(renewed.status).toBe(200);
  expect((await begin(down.url, `${ID}?other`)).page.status).toBe(400);
  await down.stop();

  answer = () => new Response('', { status: 404 });
  const gone = await restart(port);
  expect((await refresh(gone.url, ID, renewed.body.refresh_token)).body.error).toBe('invalid_client');
  await gone.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test('private_key_jwt: the key signs in, an assertion is good once, no key does not', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
  const id = publish({
    redirect_uris: [CALLBACK],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
  });
  const assertion = await new SignJWT({ jti: 'once' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuer(id)
    .setSubject(id)
    .setAudience(relay.url)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey);
  const auth = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
  const none = await redeem(relay.url, id, await authorize(relay.url, id));
  expect(none.body.error).toBe('invalid_client');
  const dones = [await authorize(relay.url, id), await authorize(relay.url, id), await authorize(relay.url, id)];
  const answers = await Promise.all(dones.map((done) => redeem(relay.url, id, done, auth)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ body }) => body.error === 'invalid_client')).toHaveLength(2);
});
