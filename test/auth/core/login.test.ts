import { afterAll, beforeAll, expect, test } from 'vitest';
import { begin, call, login, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;

beforeAll(async () => {
  relay = await startRelay();
});
afterAll(() => relay.stop());

test('a registered client logs in and its token opens /mcp', async () => {
  const client = await registered(relay.url);
  const tokens = await login(relay.url, client);
  const { status, body } = await call(`${relay.url}/mcp`, tokens.access_token);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { userId: 'https://idp.example|alice', clientId: client, audience: `${relay.url}/mcp`, scopes: ['mcp'] },
  });
});

test('the page is told who asks, for what, and where the code goes', async () => {
  const client = await registered(relay.url, { client_name: 'Some\u202eClient\n' });
  const { page } = await begin(relay.url, client);
  expect(JSON.parse(page.body)).toMatchObject({
    client: { name: 'Some Client', redirectHost: '127.0.0.1:9999', loopback: true, kind: 'registered' },
    scopes: ['mcp'],
    resource: `${relay.url}/mcp`,
    consented: false,
  });
});

test('other paths fall through to Nest', async () => {
  expect((await call(`${relay.url}/healthz`)).body).toEqual({ ok: true });
});
