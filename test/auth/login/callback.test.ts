import { afterEach, describe, expect, test, vi } from 'vitest';
import { startOidcProvider } from '../../helpers/oidc-provider.js';
import { PlainBrowser } from './plain-browser.js';
import { answerFor, relayFor, signIn } from './relay-for.js';

const person = (claims: Record<string, unknown> = {}) => ({ password: 'correct horse', claims });

afterEach(() => {
  vi.useRealTimers();
});

describe('the state of a login', () => {
  test('§7.7 an answer without one, with an unknown one, or from another browser is refused', async () => {
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
