import { decodeJwt } from 'jose';
import { expect, test, vi } from 'vitest';
import { call, login, refresh, registered } from './client.js';
import { startRelay } from './relay.js';

test('a refresh token is rotated and goes on for another resource of the same grant never', async () => {
  await using relay = await startRelay();
  const client = await registered(relay.url);
  const first = await login(relay.url, client);
  const second = await refresh(relay.url, client, first.refresh_token);
  expect(second.status).toBe(200);
  expect(second.body.refresh_token).not.toBe(first.refresh_token);
  expect((await call(`${relay.url}/mcp`, second.body.access_token)).status).toBe(200);
  const third = await refresh(relay.url, client, second.body.refresh_token);
  expect(decodeJwt(third.body.access_token).grant_id).toBe(decodeJwt(first.access_token).grant_id);
  const widened = await refresh(relay.url, client, third.body.refresh_token, { resource: `${relay.url}/ws` });
  expect(widened.body.error).toBe('invalid_target');
});

test('five refreshes at once: five access tokens, one new refresh token', async () => {
  await using relay = await startRelay();
  const client = await registered(relay.url);
  for (let round = 0; round < 5; round += 1) {
    const { refresh_token } = await login(relay.url, client);
    const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(relay.url, client, refresh_token)));
    const [renewed, ...others] = new Set(answers.map(({ body }) => body.refresh_token));
    expect(others).toEqual([]);
    expect(renewed).not.toBe(refresh_token);
    for (const { body } of answers) expect((await call(`${relay.url}/mcp`, body.access_token)).status).toBe(200);
    expect((await refresh(relay.url, client, renewed)).status).toBe(200);
  }
});

test('a lost answer may be asked for again within the window', async () => {
  await using relay = await startRelay({ limits: { refreshGraceSeconds: 60 } });
  const client = await registered(relay.url);
  const { refresh_token } = await login(relay.url, client);
  const lost = await refresh(relay.url, client, refresh_token);
  const again = await refresh(relay.url, client, refresh_token);
  expect(again.status).toBe(200);
  expect(again.body.refresh_token).toBe(lost.body.refresh_token);
  expect((await refresh(relay.url, client, lost.body.refresh_token)).status).toBe(200);
});

test('§7.38 a replay after the window revokes the whole grant', async () => {
  await using relay = await startRelay({ limits: { refreshGraceSeconds: 0 } });
  const client = await registered(relay.url);
  const first = await login(relay.url, client);
  const second = await refresh(relay.url, client, first.refresh_token);
  expect((await call(`${relay.url}/mcp`, second.body.access_token)).status).toBe(200);
  expect((await refresh(relay.url, client, first.refresh_token)).body.error).toBe('invalid_grant');
  expect((await refresh(relay.url, client, second.body.refresh_token)).body.error).toBe('invalid_grant');
  expect((await call(`${relay.url}/mcp`, second.body.access_token)).status).toBe(401);
  expect((await call(`${relay.url}/mcp`, first.access_token)).status).toBe(401);
});

test('a refresh token is its own client’s only', async () => {
  await using relay = await startRelay();
  const [client, other] = [await registered(relay.url), await registered(relay.url)];
  const { refresh_token } = await login(relay.url, client);
  expect((await refresh(relay.url, other, refresh_token)).body.error).toBe('invalid_grant');
  expect((await refresh(relay.url, client, 'x'.repeat(43))).body.error).toBe('invalid_grant');
  expect((await refresh(relay.url, client, refresh_token)).status).toBe(200);
});

test('a busy login leaves little behind, and a spent token never counts as unspent', async () => {
  const day = 86_400_000;
  const now = Date.now();
  await using relay = await startRelay({ limits: { refreshGraceSeconds: 0, refreshTokenDays: 30 } });
  const client = await registered(relay.url);
  const first = await login(relay.url, client);
  const second = await refresh(relay.url, client, first.refresh_token);
  const records = async (): Promise<number> => {
    let count = 0;
    for await (const _entry of relay.store.list('oidc:RefreshToken:')) count += 1;
    return count;
  };
  try {
    vi.useFakeTimers({ toFake: ['Date'], now: now + 6 * day });
    expect(await records()).toBe(2);
    vi.setSystemTime(now + 8 * day);
    expect(await records()).toBe(1);
    expect((await refresh(relay.url, client, first.refresh_token)).body.error).toBe('invalid_grant');
    // The grant has gone on with its youngest token.
    vi.setSystemTime(now + 29 * day);
    const third = await refresh(relay.url, client, second.body.refresh_token);
    expect(third.status).toBe(200);
    vi.setSystemTime(now + 58 * day);
    expect((await refresh(relay.url, client, third.body.refresh_token)).status).toBe(200);
  } finally {
    vi.useRealTimers();
  }
});
