import { afterEach, beforeEach, expect, it } from 'vitest';
import { CredentialStore } from '../../../src/agent/credentials/store.js';
import { createTokenSource } from '../../../src/agent/credentials/token-source.js';
import { login, logout } from '../../../src/agent/login.js';
import type { AgentConfig } from '../../../src/config/config.js';
import { Browser } from '../../auth/core/browser.js';
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

/** Opens the login address, approves, and ends at the callback or the code page. */
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

it('logs in by the line of its code page', async () => {
  let address = '';
  const notify = (text: string) => {
    address ||= /https?:\/\/\S+/.exec(text)?.[0] ?? '';
  };
  const readPaste = async () => (await approve(address)).search.slice(1);
  await login(config, { signal, browser: false, notify, readPaste });
  expect((await new CredentialStore(config).load())?.refreshToken).toBeDefined();
});

it('needs a new login once the relay has revoked this one', async () => {
  const openUrl = async (address: string) => void (await fetch(await approve(address)));
  await login(config, { signal, browser: true, notify: () => {}, openUrl });
  const store = new CredentialStore(config);
  const stolen = await store.load();
  await logout(config, { signal });
  if (stolen !== undefined) await store.save(stolen);
  const refused = createTokenSource(config).accessToken({ signal, forceRefresh: true });
  await expect(refused).rejects.toMatchObject({ code: 'login_expired' });
});
