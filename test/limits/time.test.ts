import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import { begin, call, login, refresh, registered } from '../auth/core/client.js';
import { startRelay } from '../auth/core/relay.js';
import { startRig } from '../tunnel/relay-rig.js';

const DAY_MS = 86_400_000;

afterEach(() => vi.useRealTimers());

function later(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}

test('idleSeconds: a kept connection without a request is closed', async () => {
  await using rig = await startRig({ idleSeconds: 1 });
  const socket = connect(rig.relay.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost:${rig.relay.port}\r\n\r\n`);
  // Until the relay ends it; nothing here does.
  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 .*\r\nKeep-Alive: timeout=1\r\n/s);
});

test('accessTokenSeconds: a token says when it ends, and is refused a minute of clock skew after', async () => {
  await using relay = await startRelay({ limits: { accessTokenSeconds: 300 } });
  const client = await registered(relay.url);
  const tokens = await login(relay.url, client);
  expect(tokens).toMatchObject({ expires_in: 300 });
  later(290_000);
  expect((await call(`${relay.url}/mcp`, tokens.access_token)).status).toBe(200);
  later(75_000);
  expect((await call(`${relay.url}/mcp`, tokens.access_token)).status).toBe(401);
});

test('refreshTokenDays: a login ends so long after its last use', async () => {
  await using relay = await startRelay({ limits: { refreshTokenDays: 3 } });
  const client = await registered(relay.url);
  const { refresh_token } = await login(relay.url, client);
  later(2 * DAY_MS);
  const { status, body } = await refresh(relay.url, client, refresh_token);
  expect(status).toBe(200);
  later(2 * DAY_MS);
  const second = await refresh(relay.url, client, body.refresh_token);
  expect(second.status).toBe(200);
  later(3 * DAY_MS + 1000);
  expect((await refresh(relay.url, client, second.body.refresh_token)).body.error).toBe('invalid_grant');
});

test('registrationDays: a client is forgotten so long after its last use', async () => {
  await using relay = await startRelay({ limits: { registrationDays: 3 } });
  const client = await registered(relay.url);
  const known = async () => (await begin(relay.url, client)).page.status === 200;
  later(2 * DAY_MS);
  expect(await known()).toBe(true);
  later(2 * DAY_MS);
  expect(await known()).toBe(true);
  later(3 * DAY_MS + 1000);
  expect(await known()).toBe(false);
});
