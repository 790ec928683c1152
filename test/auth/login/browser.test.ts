import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signInThroughBrowser, startBrowser, type TestBrowser } from '../../helpers/browser.js';
import { startOidcProvider } from '../../helpers/oidc-provider.js';
import { relayFor } from './relay-for.js';
import { startWeb, type WebRelay } from './web-harness.js';

const password = 'walnut harbour sings';
let chromium: TestBrowser;

beforeAll(async () => {
  chromium = await startBrowser();
});

afterAll(async () => {
  await chromium?.close();
});

async function setUpOwner(relay: WebRelay): Promise<void> {
  const link = await relay.setupLink.issue();
  const page = await chromium.newPage();
  await page.goto(link ?? '');
  // Taken from the fragment, and out of the address bar.
  expect(page.url()).toBe(`${relay.url}/setup`);
  await expect.poll(() => page.locator('#token').inputValue()).toBe(link?.split('#')[1]);
  await page.fill('#name', 'owner');
  await page.fill('#password', password);
  await page.fill('#again', password);
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('heading', { name: 'This relay is yours, owner' }).waitFor();
  await page.context().close();
}

describe.each([
  ['with scripts', true],
  ['without scripts', false],
])('Chromium %s', (_name, javaScriptEnabled) => {
  test('consent, the provider’s form, back at the client on another origin', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const page = await chromium.newPage({ javaScriptEnabled });
    const refused: string[] = [];
    page.on('console', (message) => void refused.push(message.text()));
    const until = `${relay.url}/client`;
    await signInThroughBrowser(page, { url: `${relay.url}/begin`, user: 'alice', password: 'correct horse', until });
    expect(await page.textContent('body')).toBe('back at the client');
    // The browser still has its session at the provider: one click is enough, through redirects only.
    await signInThroughBrowser(page, { url: `${relay.url}/begin`, until });
    expect(relay.interactions.ended.map(({ account }) => account?.userId)).toEqual([
      `${provider.issuer}|alice`,
      `${provider.issuer}|alice`,
    ]);
    expect(refused.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
    await page.context().close();
  });

  test('the relay’s own form', async () => {
    await using relay = await startWeb();
    await setUpOwner(relay);
    const page = await chromium.newPage({ javaScriptEnabled });
    await page.goto(`${relay.url}/begin`);
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.fill('#name', 'owner');
    await page.fill('#password', 'wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.inputValue('#name')).toBe('owner');
    await page.fill('#password', password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${relay.url}/client?**`);
    expect(relay.interactions.ended).toHaveLength(1);
    await page.context().close();
  });
});

test('a token can be pasted where scripts are off', async () => {
  await using relay = await startWeb();
  const link = await relay.setupLink.issue();
  const page = await chromium.newPage({ javaScriptEnabled: false });
  await page.goto(link ?? '');
  await page.getByLabel('One-time token').fill(link ?? '');
  await page.getByLabel('Name', { exact: true }).fill('owner');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('Password, once more').fill(password);
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('heading', { name: 'This relay is yours, owner' }).waitFor();
  await page.context().close();
});

test('deny leads back to a client of another origin', async () => {
  await using relay = await startWeb();
  const client = createServer((_req, res) => void res.end('client'));
  client.listen(0, '127.0.0.1');
  await once(client, 'listening');
  try {
    const address = client.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const redirectUri = `http://127.0.0.1:${address.port}/back`;
    const { uid, cookie } = relay.interactions.begin({ client: { redirectUri } });
    const page = await chromium.newPage();
    const value = /=([^;]+)/.exec(cookie)?.[1] ?? '';
    await page.context().addCookies([{ name: 'interaction', value, domain: '127.0.0.1', path: '/' }]);
    await page.goto(`${relay.url}/interaction/${uid}`);
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.waitForURL(`${redirectUri}?error=access_denied`);
    await page.context().close();
  } finally {
    client.closeAllConnections();
    client.close();
  }
});

test('a page of another site can neither frame the consent page nor post to it', async () => {
  await using relay = await startWeb();
  const { uid, cookie } = relay.interactions.begin();
  const target = `${relay.url}/interaction/${uid}`;
  const evil = createServer((_req, res) => {
    res.setHeader('content-type', 'text/html');
    res.end(`<iframe src="${target}"></iframe><form method="post" action="${target}">
      <input name="decision" value="allow"><input name="csrf" value="guess"><button>go</button></form>`);
  });
  evil.listen(0, '127.0.0.1');
  await once(evil, 'listening');
  try {
    const address = evil.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const page = await chromium.newPage();
    const value = /=([^;]+)/.exec(cookie)?.[1] ?? '';
    await page.context().addCookies([{ name: 'interaction', value, domain: '127.0.0.1', path: '/' }]);
    const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    // `localhost` is another site than 127.0.0.1.
    await page.goto(`http://localhost:${address.port}/`).catch(() => page.goto(`http://127.0.0.1:${address.port}/`));
    await refused;
    await page.getByRole('button', { name: 'go' }).click();
    await page.getByRole('heading', { name: /did not come from our page|does not belong/ }).waitFor();
    expect(relay.interactions.ended).toEqual([]);
    await page.context().close();
  } finally {
    evil.closeAllConnections();
    evil.close();
  }
});
