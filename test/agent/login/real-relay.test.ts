import { afterEach, beforeEach, expect, it } from 'vitest';
import { CredentialStore } from '../../../src/agent/credentials/store.js';
import { createTokenSource } from '../../../src/agent/credentials/token-source.js';
import { login, logout } from '../../../src/agent/login.js';
import type { AgentConfig } from '../../../src/config/config.js';
import { Browser } from '../../auth/core/browser.js';
import { answerCode } from '../../auth/core/device.js';
import { startRelay, type TestRelay } from '../../auth/core/relay.js';
import { type TempConfig, tempConfig } from './temp-config.js';

const signal = new AbortController().signal;

let relay: TestRelay;
let temp: TempConfig;
let config: AgentConfig;

beforeEach(async () => {
  relay = await startRelay();
  temp = await tempConfig(relay.url);
  config = temp.config;
});

afterEach(async () => {
  await temp[Symbol.asyncDispose]();
  await relay.stop();
});

/** Opens the login address, approves, and ends at the callback. */
async function approve(address: string): Promise<URL> {
  const browser = new Browser(relay.url);
  const page = await browser.open(address);
  return (await browser.open(`${page.url.pathname}/approve`, { method: 'POST' })).url;
}

function verify(token: string) {
  return relay.verifier.verify(token, { resource: `${relay.url}/ws`, scope: 'tunnel' });
}

it('logs in at the real authorization server, renews, and logs out', async () => {
  const openUrl = async (address: string) => void (await fetch(await approve(address)));
  const { account } = await login(config, { signal, browser: true, notify: () => {}, openUrl });
  expect(account).toBe('Name of https://idp.example|alice');
  const source = createTokenSource(config);
  const first = await source.accessToken({ signal });
  expect(await verify(first)).toMatchObject({
    clientId: 'mcp-local-tunnel-agent',
    userId: 'https://idp.example|alice',
  });

  const second = await source.accessToken({ signal, forceRefresh: true });
  expect(second).not.toBe(first);
  expect(await verify(second)).toMatchObject({ userId: 'https://idp.example|alice' });

  expect(await logout(config, { signal })).toEqual({ relay: relay.url, wasLoggedIn: true, revoked: true });
  await expect(verify(second)).rejects.toThrow();
});

it('§7.39 logs in by a code that is typed elsewhere: asked first, denied once, then approved', async () => {
  const lines: string[] = [];
  const person = (action: 'approve' | 'deny') => ({
    signal,
    browser: false,
    notify: (text: string) => {
      lines.push(text);
      const userCode = /[A-Z]{4}-[A-Z]{4}/.exec(text)?.[0];
      if (userCode !== undefined) void answerCode(relay.url, userCode, action);
    },
  });
  await expect(login(config, person('deny'))).rejects.toMatchObject({ code: 'access_denied' });
  expect(await new CredentialStore(config).load()).toBeUndefined();

  const { account } = await login(config, person('approve'));
  expect(account).toBe('Name of https://idp.example|alice');
  expect(lines.join('\n')).toContain(`${relay.url}/device\n`);
  const source = createTokenSource(config);
  expect(await verify(await source.accessToken({ signal }))).toMatchObject({ userId: 'https://idp.example|alice' });
  const renewed = await source.accessToken({ signal, forceRefresh: true });
  expect(await verify(renewed)).toMatchObject({ clientId: 'mcp-local-tunnel-agent' });
});
