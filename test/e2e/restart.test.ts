import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PlainBrowser } from '../auth/login/plain-browser.js';
import { MemoryOAuth, TestClient } from '../helpers/clients.js';
import type { Program } from '../helpers/program.js';
import { gated, PASSWORD, System } from '../helpers/system.js';

let system: System;
let agent: Program;

beforeAll(async () => {
  system = await System.start({ builtIn: true });
  ({ agent } = await system.agent({ servers: { work: gated() } }));
});

afterAll(() => system?.[Symbol.asyncDispose]());

test.each(['SIGTERM', 'SIGKILL'] as const)('nobody logs in again after a relay ended by %s', async (signal) => {
  await using provider = await MemoryOAuth.start((url) => system.signIn(url));
  await auth(provider, { serverUrl: system.endpoint });
  await auth(provider, { serverUrl: system.endpoint, authorizationCode: provider.code });
  const token = provider.tokens()?.access_token ?? '';
  await using client = await TestClient.connect(system.endpoint, token);
  await client.listed('work__whoami');
  const before = await client.names();
  const session = client.transport.sessionId;
  expect(session).toBeDefined();
  const process = JSON.parse(await client.text('work__whoami')).pid;

  const { here } = agent;
  const relay = system.relay;
  relay.kill(signal);
  await relay.ended;
  await system.startRelay();
  const [online] = await agent.line(/online at .*/, here);
  expect(online).toMatch(/ as laptop$/);

  // The same session and token, the same names, the same local process.
  await client.listed('work__whoami');
  expect(await client.names()).toEqual(before);
  expect(JSON.parse(await client.text('work__whoami')).pid).toBe(process);
  expect(client.transport.sessionId).toBe(session);
  // And the refresh token, without a browser.
  expect(await auth(provider, { serverUrl: system.endpoint })).toBe('AUTHORIZED');
  expect(provider.tokens()?.access_token).not.toBe(token);
  expect(system.relay.output).not.toContain('/setup#');
});

test('the link of the first start makes no second owner', async () => {
  const [link = '', token = ''] = system.setupLink.split('#');
  const browser = new PlainBrowser();
  const page = await browser.visit(link);
  const answer = await page.submit({ token, name: 'mallory', password: PASSWORD, again: PASSWORD });
  expect(answer.response.status).toBeGreaterThanOrEqual(400);
});

test('a wrong password lets nobody in', async () => {
  await using provider = await MemoryOAuth.start(async (url) => {
    const consent = await new PlainBrowser().visit(url);
    const form = await consent.submit({ decision: 'allow' });
    const refused = await form.submit({ name: 'alice', password: 'wrong' });
    expect(refused.html).toContain('type="password"');
    expect(refused.html).toMatch(/role="alert"/);
  });
  await auth(provider, { serverUrl: system.endpoint });
  expect(provider.code).toBe('');
});
