import { afterEach, expect, test, vi } from 'vitest';
import { tempFolder } from '../../helpers/temp.js';
import { type AuthRelay, authorizationRequest, startAuthRelay, startLoopbackClient } from './auth-relay.js';
import { PlainBrowser, type VisitedPage } from './plain-browser.js';
import { startWeb } from './web-harness.js';

const password = 'walnut harbour sings';
const forgotten = 'a password nobody knows';

afterEach(() => {
  vi.useRealTimers();
});

async function fillIn(url: string, token: string, change: Record<string, string> = {}): Promise<VisitedPage> {
  const page = await new PlainBrowser().visit(`${url}/setup`);
  return page.submit({ token, name: 'Owner', password, again: password, ...change });
}

/** Consent and, where it is asked for, sign-in; the page or the client's address it ends at. */
async function authorize(relay: AuthRelay, redirectUri: string, browser: PlainBrowser, name: string, secret: string) {
  const request = await authorizationRequest(relay, redirectUri);
  const form = await (await browser.visit(request.url)).submit({ decision: 'allow' });
  const end = form.html.includes('type="password"') ? await form.submit({ name, password: secret }) : form;
  return { end, request };
}

test('a new password for the same owner: grants stay, browser sessions end', async () => {
  await using folder = await tempFolder('relay');
  await using client = await startLoopbackClient();
  const dataDir = folder.path;
  const browser = new PlainBrowser();
  let port: number;
  let token: string;
  {
    await using relay = await startAuthRelay(undefined, {}, { dataDir, resetOwner: true });
    port = Number(new URL(relay.url).port);
    // Without an owner it is the usual link.
    expect(relay.resetUrl).toBeUndefined();
    await fillIn(relay.url, relay.setupUrl ?? '', { password: forgotten, again: forgotten });
    const { end, request } = await authorize(relay, client.redirectUri, browser, 'Owner', forgotten);
    token = await request.redeem(end.url);
  }
  await using relay = await startAuthRelay(undefined, {}, { dataDir, port, resetOwner: true });
  expect(relay.setupUrl).toBeUndefined();
  const mcp = { resource: `${relay.url}/mcp`, scope: 'mcp' } as const;
  const before = await relay.verifier.verify(token, mcp);
  const asked = await browser.visit((await authorizationRequest(relay, client.redirectUri)).url);
  expect(asked.html).toContain('Signed in as');

  expect((await new PlainBrowser().visit(`${relay.url}/setup`)).title).toBe('Set a new password');
  const done = await fillIn(relay.url, relay.resetUrl ?? '', { name: 'Boss' });
  expect(done.title).toBe('Your new password is set');

  // What a browser was in the middle of is over, and it is no longer signed in.
  expect((await asked.submit({ decision: 'allow' })).response.status).toBe(400);
  const anew = await browser.visit((await authorizationRequest(relay, client.redirectUri)).url);
  expect(anew.html).not.toContain('Signed in as');
  const old = await authorize(relay, client.redirectUri, new PlainBrowser(), 'Owner', forgotten);
  expect(old.end.response.status).toBe(403);

  const { end, request } = await authorize(relay, client.redirectUri, browser, 'boss', password);
  const after = await relay.verifier.verify(await request.redeem(end.url), mcp);
  expect(after.userId).toBe(before.userId);
  expect(await relay.verifier.verify(token, mcp)).toEqual(before);
});

test('the link works once, for whoever has it, and for 24 hours', async () => {
  await using relay = await startWeb();
  const first = await relay.setupLink.issue();
  expect(await relay.setupLink.issueReset()).toBeUndefined();
  await fillIn(relay.url, first ?? '');
  const older = await relay.setupLink.issueReset();
  const link = await relay.setupLink.issueReset();
  if (older === undefined || link === undefined) throw new Error('no link');
  for (const wrong of [older, first ?? '', 'made-up', '']) {
    expect((await fillIn(relay.url, wrong)).response.status).toBe(403);
  }
  expect((await fillIn(relay.url, link, { password: 'short', again: 'short' })).response.status).toBe(422);
  const both = await Promise.all([fillIn(relay.url, link), fillIn(relay.url, link, { name: 'Mallory' })]);
  expect(both.map(({ response }) => response.status).sort()).toEqual([200, 403]);
  expect((await fillIn(relay.url, link)).title).toBe('This relay has an owner');

  const late = await relay.setupLink.issueReset();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 24 * 3600_000 + 1000 });
  expect((await fillIn(relay.url, late ?? '')).response.status).toBe(403);
});

test('the link ends with the start that printed it', async () => {
  await using folder = await tempFolder('relay');
  const dataDir = folder.path;
  let port: number;
  let link: string | undefined;
  {
    await using relay = await startAuthRelay(undefined, {}, { dataDir });
    port = Number(new URL(relay.url).port);
    await fillIn(relay.url, relay.setupUrl ?? '');
  }
  {
    await using relay = await startAuthRelay(undefined, {}, { dataDir, port, resetOwner: true });
    link = relay.resetUrl;
  }
  await using relay = await startAuthRelay(undefined, {}, { dataDir, port });
  expect(relay.resetUrl).toBeUndefined();
  expect(link).toMatch(/\/setup#[\w-]{32}$/);
  const page = await fillIn(relay.url, link ?? '');
  expect([page.response.status, page.title]).toEqual([403, 'This relay has an owner']);
});
