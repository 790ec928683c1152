import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AGENT_CLIENT_ID } from '../../../src/relay/auth/server/agent-client.js';
import { openStore } from '../../../src/relay/store/open.js';
import { authorize, begin, call, login, post, redeem, refresh, registered } from './client.js';
import { startRelay } from './relay.js';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-restart-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

test('a restart loses nobody: client, access token, refresh token, browser session, running authorization', async () => {
  const before = await startRelay({ dataDir });
  const port = Number(new URL(before.url).port);
  const client = await registered(before.url);
  const tokens = await login(before.url, client);
  const done = await authorize(before.url, client);
  const begun = await begin(before.url, client, {}, done.browser);
  const { uid } = JSON.parse(begun.page.body);
  await before.stop();

  await using after = await startRelay({ dataDir, port });
  expect((await call(`${after.url}/mcp`, tokens.access_token)).status).toBe(200);
  expect((await refresh(after.url, client, tokens.refresh_token)).status).toBe(200);
  expect((await redeem(after.url, client, done)).status).toBe(200);
  const landing = await begun.browser.open(`/interaction/${uid}/approve`, { method: 'POST' });
  expect(landing.url.searchParams.get('code')).toEqual(expect.any(String));
});

test('what was revoked or spent before a restart stays so', async () => {
  const before = await startRelay({ dataDir, limits: { refreshGraceSeconds: 0 } });
  const port = Number(new URL(before.url).port);
  const client = await registered(before.url);
  const revoked = await login(before.url, client);
  await post(`${before.url}/revoke`, { token: revoked.refresh_token, client_id: client });
  const done = await authorize(before.url, client);
  const kept = await redeem(before.url, client, done);
  const spent = await login(before.url, client);
  await refresh(before.url, client, spent.refresh_token);
  await before.stop();

  await using after = await startRelay({ dataDir, port, limits: { refreshGraceSeconds: 0 } });
  expect((await call(`${after.url}/mcp`, revoked.access_token)).status).toBe(401);
  expect((await refresh(after.url, client, spent.refresh_token)).body.error).toBe('invalid_grant');
  expect((await call(`${after.url}/mcp`, kept.body.access_token)).status).toBe(200);
  expect((await redeem(after.url, client, done)).body.error).toBe('invalid_grant');
  expect((await call(`${after.url}/mcp`, kept.body.access_token)).status).toBe(401);
});

test('nothing in the store can be used by whoever copies it', async () => {
  const relay = await startRelay({ dataDir });
  const secrets: string[] = [];
  const client = await registered(relay.url);
  const done = await authorize(relay.url, client, { state: 'canary-state' });
  secrets.push(done.answer.get('code') ?? '', done.verifier, ...done.browser.cookies.map(cookieValue));
  const tokens = (await redeem(relay.url, client, done)).body;
  const renewed = (await refresh(relay.url, client, tokens.refresh_token)).body;
  const unused = await authorize(relay.url, client);
  secrets.push(unused.answer.get('code') ?? '');
  const pending = await begin(relay.url, client);
  secrets.push(JSON.parse(pending.page.body).uid, ...pending.browser.cookies.map(cookieValue));
  const agent = await login(relay.url, AGENT_CLIENT_ID, { redirect_uri: 'http://127.0.0.1:1/callback' });
  for (const set of [tokens, renewed, agent]) secrets.push(set.access_token, set.refresh_token);
  const log = relay.log.join('\n');
  await relay.stop();

  let dump = '';
  const store = await openStore(dataDir);
  for await (const [key, value] of store.list('')) dump += `${key} ${JSON.stringify(value)}\n`;
  await store.close();
  expect(dump).toContain(client);
  expect(secrets.length).toBeGreaterThan(12);
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(15);
    expect(dump.includes(secret), secret).toBe(false);
    expect(log.includes(secret), secret).toBe(false);
  }
});

test.skipIf(process.platform === 'win32')('files are for their owner only', async () => {
  const umask = process.umask(0);
  try {
    const relay = await startRelay({ dataDir: join(dataDir, 'new') });
    await relay.stop();
  } finally {
    process.umask(umask);
  }
  const modes = [];
  for (const path of ['new', 'new/store', 'new/secret']) modes.push((await stat(join(dataDir, path))).mode & 0o777);
  expect(modes).toEqual([0o700, 0o700, 0o600]);
});

function cookieValue(cookie: string): string {
  return cookie.slice(cookie.indexOf('=') + 1);
}
