import { afterEach, describe, expect, test, vi } from 'vitest';
import { startOidcProvider } from '../../helpers/oidc-provider.js';
import { PlainBrowser } from './plain-browser.js';
import { relayFor, signIn } from './relay-for.js';
import type { WebRelay } from './web-harness.js';

const person = (claims: Record<string, unknown> = {}) => ({ password: 'correct horse', claims });

afterEach(() => {
  vi.useRealTimers();
});

/** Signs in at the provider but stops before the relay sees the answer; returns the answer's address. */
async function answerFor(relay: WebRelay, browser: PlainBrowser, user = 'alice'): Promise<URL> {
  const consent = await browser.visit(`${relay.url}/begin`);
  const form = await consent.submit({ decision: 'allow' });
  let { response, url } = await browser.request(form.url, { name: user, password: 'correct horse' });
  for (;;) {
    const location = response.headers.get('location');
    if (location === null) throw new Error(`no redirect from ${url}: ${response.status} ${await response.text()}`);
    url = new URL(location, url);
    if (url.pathname === '/callback') return url;
    ({ response } = await browser.request(url));
  }
}

describe('the state of a login', () => {
  test('an answer without one, with an unknown one, or from another browser is refused', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const answer = await answerFor(relay, browser);
    const without = new URL(answer);
    without.searchParams.delete('state');
    const unknown = new URL(answer);
    unknown.searchParams.set('state', 'x'.repeat(43));
    for (const [who, url] of [
      [browser, without],
      [browser, unknown],
      [new PlainBrowser(), answer],
    ] as const) {
      const page = await who.visit(url);
      expect(page.response.status).toBe(400);
      expect(page.title).toBe('This sign-in cannot go on');
    }
    expect(relay.interactions.ended).toEqual([]);
    // The honest answer is none the worse for it.
    expect((await browser.visit(answer)).url.pathname).toBe('/client');
  });

  test('a state of another login in the same browser is refused', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const first = await answerFor(relay, browser);
    const otherBrowser = new PlainBrowser();
    const second = await answerFor(relay, otherBrowser);
    const mixed = new URL(first);
    mixed.searchParams.set('code', second.searchParams.get('code') ?? '');
    const page = await browser.visit(mixed);
    // PKCE: the second login's code needs the second login's verifier.
    expect(page.response.status).toBe(502);
    expect(relay.interactions.ended).toEqual([]);
  });

  test('an answer works once, even for a browser that keeps its cookie', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const answer = await answerFor(relay, browser);
    const cookie = browser.cookiesFor(answer);
    expect((await browser.visit(answer)).url.pathname).toBe('/client');
    const replayed = await fetch(answer, { redirect: 'manual', headers: { cookie } });
    expect(replayed.status).toBe(400);
    expect((await browser.visit(answer)).response.status).toBe(400);
  });

  test('an answer after ten minutes is refused', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const answer = await answerFor(relay, browser);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 });
    const cookie = browser.cookiesFor(answer);
    expect((await fetch(answer, { redirect: 'manual', headers: { cookie } })).status).toBe(400);
  });

  test('two logins side by side in one browser end as their own accounts', async () => {
    await using provider = await startOidcProvider({ accounts: { alice: person(), bob: person() } });
    await using relay = await relayFor(provider);
    const [alice, bob] = [new PlainBrowser(), new PlainBrowser()];
    const [first, second] = await Promise.all([answerFor(relay, alice, 'alice'), answerFor(relay, bob, 'bob')]);
    await Promise.all([alice.visit(first), bob.visit(second)]);
    expect(relay.interactions.ended.map(({ account }) => account?.userId).sort()).toEqual([
      `${provider.issuer}|alice`,
      `${provider.issuer}|bob`,
    ]);
    const names = await Promise.all(
      ['alice', 'bob', 'alice', 'bob', 'alice', 'bob'].map(async (user) => {
        const browser = new PlainBrowser();
        const answer = await answerFor(relay, browser, user);
        return { user, browser, answer };
      }),
    );
    relay.interactions.ended.length = 0;
    await Promise.all(names.map(({ browser, answer }) => browser.visit(answer)));
    const ended = relay.interactions.ended.map(({ account }) => account?.userId.split('|')[1]).sort();
    expect(ended).toEqual(['alice', 'alice', 'alice', 'bob', 'bob', 'bob']);
  });

  test('an answer of another issuer is refused (RFC 9207)', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const answer = await answerFor(relay, browser);
    answer.searchParams.set('iss', 'https://evil.example');
    expect((await browser.visit(answer)).response.status).toBe(502);
    expect(relay.interactions.ended).toEqual([]);
  });
});

describe('who is let in', () => {
  test('a refused account is named, the rule is not, and another account can be used', async () => {
    await using provider = await startOidcProvider({
      accounts: { alice: person({ email: 'alice@evil.example' }), bob: person({ email: 'Bob@Example.com' }) },
    });
    const rule = { domains: ['example.com'], emails: ['boss@corp.example'] };
    await using relay = await relayFor(provider, { scopes: ['openid', 'email'], allow: rule });
    const refused = await signIn(relay);
    expect(refused.response.status).toBe(403);
    expect(refused.html).toContain('alice@evil.example');
    expect(refused.html).toContain('whoever runs this relay');
    expect(refused.html).not.toContain('example.com');
    expect(refused.html).not.toContain('corp.example');
    expect(relay.interactions.ended).toEqual([]);
    expect(relay.log).toMatchObject([{ fields: { code: 'refused', account: 'alice@evil.example' } }]);
    const again = /class="button main" href="([^"]+)"/.exec(refused.html)?.[1];
    expect(again).toContain('?account=other');
    const form = await refused.browser.visit(new URL(again ?? '', relay.url));
    expect(provider.authorizationRequests.at(-1)?.get('prompt')).toBe('login');
    // This provider ends its session first, by a form that submits itself where scripts run.
    await (await form.submit({ name: 'bob', password: 'correct horse' })).submit({});
    expect(relay.interactions.ended).toMatchObject([{ account: { displayName: 'Bob@Example.com' } }]);
  });

  test.each([
    ['in the ID token', 'id_token'],
    ['in UserInfo', 'userinfo'],
  ] as const)('an address that is not verified is refused: %s', async (_name, claimsIn) => {
    await using provider = await startOidcProvider({
      claimsIn,
      accounts: { alice: person({ email: 'alice@example.com', email_verified: false }) },
    });
    await using relay = await relayFor(provider, {
      scopes: ['openid', 'email'],
      allow: { emails: ['alice@example.com'] },
    });
    expect((await signIn(relay)).response.status).toBe(403);
  });

  test('an address that is not verified never names a user', async () => {
    await using provider = await startOidcProvider({
      accounts: { alice: person({ email: 'alice@example.com', email_verified: false }) },
    });
    await using relay = await relayFor(provider, { scopes: ['openid', 'email'], userClaim: 'email' });
    expect((await signIn(relay)).response.status).toBe(403);
  });

  test.each([
    ['missing', {}],
    ['not text', { oid: 7 }],
    ['empty', { oid: '' }],
  ])('a user claim that is %s is said so, in the log by its name', async (_name, claims) => {
    await using provider = await startOidcProvider({ accounts: { alice: person(claims) } });
    await using relay = await relayFor(provider, { userClaim: 'oid' });
    const page = await signIn(relay);
    expect(page.response.status).toBe(502);
    expect(page.title).toBe('The sign-in provider did not say who you are');
    expect(JSON.stringify(relay.log)).toContain('\\"oid\\"');
  });

  test('equal subjects of two issuers are two users', async () => {
    const ids = [];
    for (const path of ['/tenant-a/v2.0', '/tenant-b/v2.0']) {
      await using provider = await startOidcProvider({ path });
      await using relay = await relayFor(provider);
      await signIn(relay);
      ids.push(relay.interactions.ended[0]?.account?.userId);
    }
    expect(ids[0]).toMatch(/tenant-a\/v2\.0\|alice$/);
    expect(ids[1]).toMatch(/tenant-b\/v2\.0\|alice$/);
  });
});

describe('a provider in trouble', () => {
  test('down at the first login, then up: a page says so, and trying again works', async () => {
    await using provider = await startOidcProvider();
    await provider.stop();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const consent = await browser.visit(`${relay.url}/begin`);
    const down = await consent.submit({ decision: 'allow' });
    expect(down.response.status).toBe(503);
    expect(down.title).toBe('The sign-in provider cannot be reached');
    await provider.start();
    const form = await browser.visit(
      new URL(/class="button main" href="([^"]+)"/.exec(down.html)?.[1] ?? '', relay.url),
    );
    await form.submit({ name: 'alice', password: 'correct horse' });
    expect(relay.interactions.ended).toHaveLength(1);
  });

  test('an issuer written with or without its last slash is the same provider', async () => {
    for (const path of ['/application/o/relay/', '/realms/home']) {
      await using provider = await startOidcProvider({ path });
      const other = path.endsWith('/') ? provider.issuer.slice(0, -1) : `${provider.issuer}/`;
      await using relay = await relayFor(provider, { issuer: other });
      await signIn(relay);
      expect(relay.interactions.ended).toMatchObject([{ account: { userId: `${provider.issuer}|alice` } }]);
    }
  });

  test.each([
    ['that is not one', (url: string) => `${url}/no/such/tenant`],
    ['over plain http on another machine', () => 'http://192.0.2.1'],
  ])('an issuer %s is the operator’s to mend', async (_name, issuer) => {
    await using provider = await startOidcProvider({ path: '/realms/home' });
    await using relay = await relayFor(provider, { issuer: issuer(new URL(provider.issuer).origin) });
    const consent = await new PlainBrowser().visit(`${relay.url}/begin`);
    const page = await consent.submit({ decision: 'allow' });
    expect(page.response.status).toBe(502);
    expect(page.title).toBe('Sign-in is not set up rightly');
    expect(JSON.stringify(relay.log)).toContain('auth.issuer');
  });

  test('down when the code is exchanged', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const answer = await answerFor(relay, browser);
    await provider.stop();
    const page = await browser.visit(answer);
    expect(page.response.status).toBe(503);
    expect(page.html).toContain('Try again');
  });

  test('saying no', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const consent = await browser.visit(`${relay.url}/begin`);
    const form = await consent.submit({ decision: 'allow' });
    const page = await browser.visit(new URL(/href="([^"]+\/cancel)"/.exec(form.html)?.[1] ?? '', form.url));
    expect(page.response.status).toBe(403);
    expect(page.title).toBe('The sign-in was cancelled');
    expect(relay.interactions.ended).toEqual([]);
  });

  test('the wrong client secret', async () => {
    await using provider = await startOidcProvider({ clientSecret: 'right' });
    await using relay = await relayFor(provider, { clientSecret: 'wrong-canary' });
    const page = await signIn(relay);
    expect(page.response.status).toBe(502);
    expect(JSON.stringify(relay.log)).toContain('auth.clientSecret');
    expect(JSON.stringify(relay.log)).not.toContain('wrong-canary');
  });

  test('an ID token for another audience or nonce', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    let kept: unknown;
    provider.tamper = (tokens) => {
      kept ??= tokens.id_token;
      // The second login gets the first one's ID token: signed, fresh, but of another nonce.
      tokens.id_token = kept;
    };
    expect((await signIn(relay)).url.pathname).toBe('/client');
    expect((await signIn(relay)).response.status).toBe(502);
    expect(JSON.stringify(relay.log)).toContain('nonce');
  });

  test('no ID token', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    provider.tamper = (tokens) => {
      delete tokens.id_token;
    };
    expect((await signIn(relay)).response.status).toBe(502);
  });

  test('nothing of the provider is kept: no token in the store, the log or the cookies', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const seen: string[] = [];
    provider.tamper = (tokens) => void seen.push(String(tokens.access_token), String(tokens.id_token));
    const browser = new PlainBrowser();
    await signIn(relay, 'alice', 'correct horse', browser);
    expect(seen).toHaveLength(2);
    const stored: unknown[] = [];
    for await (const entry of relay.store.list('')) stored.push(entry);
    const kept = JSON.stringify([stored, relay.log]);
    for (const token of seen) expect(kept).not.toContain(token);
  });
});
