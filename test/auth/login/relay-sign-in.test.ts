import { afterAll, beforeAll, expect, test } from 'vitest';
import { signInThroughBrowser, startBrowser, type TestBrowser } from '../../helpers/browser.js';
import { startOidcProvider } from '../../helpers/oidc-provider.js';
import { authorizationRequest, startAuthRelay, startLoopbackClient } from './auth-relay.js';
import { PlainBrowser } from './plain-browser.js';

const accounts = {
  alice: { password: 'correct horse', claims: { email: 'alice@example.com' } },
  bob: { password: 'battery staple', claims: { email: 'bob@example.com' } },
};
let chromium: TestBrowser;

beforeAll(async () => {
  chromium = await startBrowser();
});

afterAll(async () => {
  await chromium?.close();
});

test('through the provider in Chromium to a token; then without a second sign-in; then as somebody else', async () => {
  await using provider = await startOidcProvider({ accounts });
  await using relay = await startAuthRelay(provider);
  await using client = await startLoopbackClient();
  const page = await chromium.newPage();
  const until = client.redirectUri;

  const first = await authorizationRequest(relay, client.redirectUri);
  const alice = { user: 'alice', password: 'correct horse', until };
  const response = new URL(await signInThroughBrowser(page, { url: first.url, ...alice }));
  expect(response.searchParams.get('state')).toBe('a state of the client');
  expect(response.searchParams.get('iss')).toBe(relay.url);
  const token = await first.redeem(response);
  const principal = await relay.verifier.verify(token, { resource: `${relay.url}/mcp`, scope: 'mcp' });
  expect(principal).toMatchObject({ userId: `${provider.issuer}|alice`, clientId: first.clientId });

  // The relay knows this browser; the provider is not asked.
  const second = await authorizationRequest(relay, client.redirectUri);
  await page.goto(second.url);
  expect(await page.locator('.account').textContent()).toContain('Signed in as alice@example.com');
  const asked = provider.authorizationRequests.length;
  const again = new URL(await signInThroughBrowser(page, { until }));
  expect(provider.authorizationRequests).toHaveLength(asked);
  expect(await second.redeem(again)).toBeTypeOf('string');

  const third = await authorizationRequest(relay, client.redirectUri);
  await page.goto(third.url);
  await page.getByRole('link', { name: 'Use another account' }).click();
  await expect.poll(() => page.locator('.account').count()).toBe(0);
  const other = new URL(await signInThroughBrowser(page, { user: 'bob', password: 'battery staple', until }));
  const tokenOfBob = await third.redeem(other);
  const bob = await relay.verifier.verify(tokenOfBob, { resource: `${relay.url}/mcp`, scope: 'mcp' });
  expect(bob).toMatchObject({ userId: `${provider.issuer}|bob` });
  await page.context().close();
});

test('a web client that opens the sign-in in a popup hears from it', async () => {
  await using provider = await startOidcProvider({ accounts });
  await using relay = await startAuthRelay(provider);
  await using client = await startLoopbackClient();
  const page = await chromium.newPage();
  await page.goto(client.redirectUri);
  const { url } = await authorizationRequest(relay, client.redirectUri);
  const opened = page.waitForEvent('popup');
  await page.evaluate(`void window.open(${JSON.stringify(url)})`);
  const popup = await opened;
  await popup.getByRole('button', { name: 'Allow' }).waitFor();
  await signInThroughBrowser(popup, { user: 'alice', password: 'correct horse', until: client.redirectUri });
  expect(await popup.evaluate('window.opener !== null')).toBe(true);
  await page.context().close();
});

test('two sign-ins side by side in one browser, an agent’s and a client’s, do not mix', async () => {
  await using provider = await startOidcProvider({ accounts });
  await using relay = await startAuthRelay(provider);
  await using client = await startLoopbackClient();
  await using agent = await startLoopbackClient();
  const browser = new PlainBrowser();
  const agentOptions = { clientId: 'mcp-local-tunnel-agent', resource: `${relay.url}/ws` };
  const older = await authorizationRequest(relay, client.redirectUri);
  const newer = await authorizationRequest(relay, agent.redirectUri, agentOptions);
  const olderConsent = await browser.visit(older.url);
  const newerConsent = await browser.visit(newer.url);
  const olderForm = await olderConsent.submit({ decision: 'allow' });
  const newerForm = await newerConsent.submit({ decision: 'allow' });
  const password = accounts.alice.password;
  const olderEnd = await olderForm.submit({ name: 'alice', password });
  const newerEnd = await newerForm.submit({ name: 'alice', password });
  expect(olderEnd.url.href.startsWith(client.redirectUri), olderEnd.html).toBe(true);
  expect(newerEnd.url.href.startsWith(agent.redirectUri), newerEnd.html).toBe(true);
  const forClient = await older.redeem(olderEnd.url);
  const forAgent = await newer.redeem(newerEnd.url);
  const mcp = { resource: `${relay.url}/mcp`, scope: 'mcp' } as const;
  const ws = { resource: `${relay.url}/ws`, scope: 'tunnel' } as const;
  expect(await relay.verifier.verify(forClient, mcp)).toMatchObject({ userId: `${provider.issuer}|alice` });
  expect(await relay.verifier.verify(forAgent, ws)).toMatchObject({ userId: `${provider.issuer}|alice` });
});

test('deny reaches the client with state and iss', async () => {
  await using relay = await startAuthRelay();
  await using client = await startLoopbackClient();
  const request = await authorizationRequest(relay, client.redirectUri);
  const end = await (await new PlainBrowser().visit(request.url)).submit({ decision: 'deny' });
  expect(end.url.href.startsWith(client.redirectUri)).toBe(true);
  expect(Object.fromEntries(end.url.searchParams)).toMatchObject({
    error: 'access_denied',
    state: 'a state of the client',
    iss: relay.url,
  });
});

test('§7.7 consent of one request opens no other, also in the same browser', async () => {
  await using provider = await startOidcProvider({ accounts });
  await using relay = await startAuthRelay(provider);
  await using client = await startLoopbackClient();
  const browser = new PlainBrowser();
  const first = await authorizationRequest(relay, client.redirectUri);
  const end = await (await (await browser.visit(first.url)).submit({ decision: 'allow' })).submit({
    name: 'alice',
    password: 'correct horse',
  });
  expect(end.url.searchParams.has('code')).toBe(true);

  // Signed in, and the same client: it is asked for again all the same.
  const again = await browser.visit((await authorizationRequest(relay, client.redirectUri, first)).url);
  expect(again.title).toBe('Allow Loopback client to use your devices?');
  for (const path of ['/end', '?account=other', '?decision=allow', '/sign-in']) {
    const page = await browser.visit(new URL(again.url.pathname + path, relay.url));
    expect(page.url.href.startsWith(client.redirectUri)).toBe(false);
  }
  expect(provider.authorizationRequests).toHaveLength(1);
  // Once it is over, its pages say so.
  await again.submit({ decision: 'allow' });
  const late = await browser.visit(again.url);
  expect(late.response.status).toBe(400);
  expect(late.html).toContain('connect again');
});
