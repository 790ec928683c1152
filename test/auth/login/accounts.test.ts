import { afterEach, describe, expect, test, vi } from 'vitest';
import { startOidcProvider } from '../../helpers/oidc-provider.js';
import { MapStore } from './map-store.js';
import { PlainBrowser, type VisitedPage } from './plain-browser.js';
import { relayFor, signIn } from './relay-for.js';
import { startWeb, type WebRelay } from './web-harness.js';

const password = 'walnut harbour sings';

afterEach(() => {
  vi.useRealTimers();
});

/** Fills in the set-up page as a person with this token would. */
async function setUp(relay: WebRelay, token: string, change: Record<string, string> = {}): Promise<VisitedPage> {
  const page = await new PlainBrowser().visit(`${relay.url}/setup`);
  return page.submit({ token, name: 'Owner', password, again: password, ...change });
}

async function issued(relay: WebRelay): Promise<string> {
  const link = await relay.setupLink.issue();
  if (link === undefined) throw new Error('no set-up link');
  expect(link).toMatch(new RegExp(`^${relay.url}/setup#[\\w-]{32}$`));
  return link.slice(link.indexOf('#') + 1);
}

describe('the set-up link', () => {
  test('makes the owner, once; later starts print none', async () => {
    const store = new MapStore();
    await using relay = await startWeb({ store });
    const token = await issued(relay);
    const done = await setUp(relay, token);
    expect(done.title).toBe('This relay is yours, Owner');
    expect(done.html).toContain(`${relay.url}/mcp`);
    expect((await setUp(relay, token)).response.status).toBe(403);
    expect((await new PlainBrowser().visit(`${relay.url}/setup`)).title).toBe('This relay has an owner');
    expect(await relay.setupLink.issue()).toBeUndefined();
    const kept = JSON.stringify([...store.entries, relay.log]);
    expect(kept).not.toContain(token);
    expect(kept).not.toContain(password);
    expect(kept).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
  });

  test('of two at once one wins', async () => {
    await using relay = await startWeb();
    const token = await issued(relay);
    const pages = await Promise.all([setUp(relay, token), setUp(relay, token, { name: 'Mallory' })]);
    expect(pages.map(({ response }) => response.status).sort()).toEqual([200, 403]);
  });

  test('an older link, a made-up one and one of yesterday do nothing', async () => {
    await using relay = await startWeb();
    const older = await issued(relay);
    const newer = await issued(relay);
    for (const token of [older, 'made-up', '']) expect((await setUp(relay, token)).response.status).toBe(403);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 24 * 3600_000 + 1000 });
    expect((await setUp(relay, newer)).response.status).toBe(403);
    vi.useRealTimers();
    // A pasted link serves as well as the token in it.
    expect((await setUp(relay, ` ${relay.url}/setup#${newer}\n`)).response.status).toBe(200);
  });

  test('a password that will not do leaves the link whole', async () => {
    await using relay = await startWeb();
    const token = await issued(relay);
    const tries: [Record<string, string>, string][] = [
      [{ password: 'short', again: 'short' }, 'at least 12 characters'],
      [{ again: 'walnut harbour sing' }, 'not the same'],
      [{ password: 'Password1234', again: 'Password1234' }, 'among the first that are guessed'],
      [{ name: '' }, 'Choose a name'],
      [{ name: 'own\u202eer' }, 'cannot be seen'],
    ];
    for (const [change, words] of tries) {
      const page = await setUp(relay, token, change);
      expect(page.response.status).toBe(422);
      expect(page.html).toContain(words);
      expect(page.html).not.toContain(password);
    }
    expect((await setUp(relay, token)).response.status).toBe(200);
  });

  test('there is none where a provider signs people in', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    expect((await browser.visit(`${relay.url}/setup`)).response.status).toBe(404);
    expect((await browser.visit(`${relay.url}/setup`, { token: 'x' })).response.status).toBe(404);
  });
});

describe('signing in', () => {
  test('before there is an owner the page says what to do', async () => {
    await using relay = await startWeb();
    const consent = await new PlainBrowser().visit(`${relay.url}/begin`);
    const page = await consent.submit({ decision: 'allow' });
    expect(page.html).toContain('no account yet');
    expect(page.html).not.toContain('type="password"');
  });

  test('name and password; the same words for a wrong one and an unknown one', async () => {
    await using relay = await startWeb();
    await setUp(relay, await issued(relay));
    const unknown = await signIn(relay, 'nobody', password);
    const wrong = await signIn(relay, 'Owner', 'walnut harbour sing');
    for (const page of [unknown, wrong]) {
      expect(page.response.status).toBe(403);
      expect(page.html).toContain('The name or the password is not right.');
    }
    expect(relay.interactions.ended).toEqual([]);
    expect(relay.log.filter(({ message }) => message === 'a sign-in was refused')).toHaveLength(2);
    expect(JSON.stringify(relay.log)).not.toMatch(/nobody|walnut/);
    const right = await wrong.submit({ name: ' owner ', password });
    expect(right.url.pathname).toBe('/client');
    const account = relay.interactions.ended[0]?.account;
    expect(account?.displayName).toBe('Owner');
    expect(account?.userId).toMatch(new RegExp(`^${relay.url}\\|[\\w-]{22}$`));
  });

  test('is limited for one address, and says when to come back', async () => {
    await using relay = await startWeb({ signInsPerMinute: 3 });
    await setUp(relay, await issued(relay));
    let page = await signIn(relay, 'nobody', 'x');
    for (let attempt = 0; attempt < 3 && page.response.status === 403; attempt++) {
      page = await signIn(relay, `nobody-${attempt}`, 'x');
    }
    expect(page.response.status).toBe(429);
    expect(page.response.headers.get('retry-after')).toBe('60');
    expect(page.title).toBe('Too many attempts');
    // The right password waits too.
    expect((await signIn(relay, 'Owner', password)).response.status).toBe(429);
  });

  test('is limited for one account too, by its failures from all addresses together', async () => {
    await using relay = await startWeb({ signInsPerMinute: 1, trustProxy: true });
    await setUp(relay, await issued(relay));
    const from = (address: number) => new PlainBrowser({ 'x-forwarded-for': `192.0.2.${address}` });
    for (let address = 1; address <= 5; address++) {
      expect((await signIn(relay, 'Owner', password, from(address))).response.status).toBe(200);
    }
    for (let address = 11; address <= 20; address++) {
      expect((await signIn(relay, ' OWNER', 'wrong', from(address))).response.status).toBe(403);
    }
    expect((await signIn(relay, 'owner', 'wrong', from(21))).response.status).toBe(429);
    expect((await signIn(relay, 'someone', 'wrong', from(22))).response.status).toBe(403);
  });

  test('is not locked for its owner by one stranger', async () => {
    await using relay = await startWeb({ signInsPerMinute: 3, trustProxy: true });
    await setUp(relay, await issued(relay));
    const from = (address: number) => new PlainBrowser({ 'x-forwarded-for': `192.0.2.${address}` });
    const stranger = from(1);
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect((await signIn(relay, 'Owner', 'wrong', stranger)).response.status).toBe(403);
    }
    expect((await signIn(relay, 'Owner', 'wrong', stranger)).response.status).toBe(429);
    expect((await signIn(relay, 'Owner', password, from(2))).response.status).toBe(200);
  });

  test('comes after consent, however the form is sent', async () => {
    await using relay = await startWeb();
    await setUp(relay, await issued(relay));
    const browser = new PlainBrowser();
    const consent = await browser.visit(`${relay.url}/begin`);
    const csrf = /name="csrf" value="([^"]+)"/.exec(consent.html)?.[1] ?? '';
    const page = await browser.visit(`${consent.url.href}/sign-in`, { csrf, name: 'Owner', password });
    expect(page.response.status).toBe(403);
    expect(browser.trace.filter((line) => line.includes('/end'))).toEqual([]);
  });
});
