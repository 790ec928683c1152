import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, login, post, refresh, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;
let client: string;

beforeAll(async () => {
  relay = await startRelay();
  client = await registered(relay.url);
});
afterAll(() => relay.stop());

const revoke = (token: string, form: Record<string, string> = {}) =>
  post(`${relay.url}/revoke`, { token, client_id: client, ...form });

test.each(['refresh_token', 'access_token'] as const)(
  'revoking the %s ends the grant and tells whoever listens',
  async (which) => {
    const tokens = await login(relay.url, client);
    const { grantId } = (await call(`${relay.url}/mcp`, tokens.access_token)).body;
    const told: string[] = [];
    const unsubscribe = relay.verifier.onRevoked((revoked) => told.push(revoked));
    const { status, body } = await revoke(tokens[which]);
    unsubscribe();
    expect({ status, body }).toEqual({ status: 200, body: '' });
    expect(told).toEqual([grantId]);
    const refused = await call(`${relay.url}/mcp`, tokens.access_token);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await refresh(relay.url, client, tokens.refresh_token)).body.error).toBe('invalid_grant');
  },
);

test('nobody revokes what is not theirs', async () => {
  const other = await registered(relay.url);
  const tokens = await login(relay.url, client);
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    expect((await revoke(token, { client_id: other })).status).toBe(200);
  }
  expect((await call(`${relay.url}/mcp`, tokens.access_token)).status).toBe(200);
  expect((await refresh(relay.url, client, tokens.refresh_token)).status).toBe(200);
});

test.each(['nonsense', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJncmFudF9pZCI6IngifQ.'])(
  'a token nobody issued is answered 200: %s',
  async (token) => {
    expect((await revoke(token)).status).toBe(200);
  },
);

test('one login ends without the others', async () => {
  const [one, two] = [await login(relay.url, client), await login(relay.url, client)];
  await revoke(one.refresh_token);
  expect((await call(`${relay.url}/mcp`, two.access_token)).status).toBe(200);
});

test('the relay itself can end a grant', async () => {
  const tokens = await login(relay.url, client);
  const { grantId } = (await call(`${relay.url}/mcp`, tokens.access_token)).body;
  await relay.server.revokeGrant(grantId);
  expect((await call(`${relay.url}/mcp`, tokens.access_token)).status).toBe(401);
  expect((await refresh(relay.url, client, tokens.refresh_token)).body.error).toBe('invalid_grant');
});
