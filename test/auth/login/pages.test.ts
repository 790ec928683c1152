import { afterEach, describe, expect, test, vi } from 'vitest';
import { startOidcProvider } from '../../helpers/oidc-provider.js';
import { PlainBrowser, type VisitedPage } from './plain-browser.js';
import { relayFor } from './relay-for.js';
import { startWeb, type WebRelay } from './web-harness.js';

afterEach(() => {
  vi.useRealTimers();
});

type Change = Parameters<WebRelay['interactions']['begin']>[0];

async function consentPage(relay: WebRelay, change: Change = {}, browser = new PlainBrowser()): Promise<VisitedPage> {
  const { uid, cookie } = relay.interactions.begin(change);
  browser.setCookie(relay.url, cookie);
  return browser.visit(`${relay.url}/interaction/${uid}`);
}

describe('consent', () => {
  test('names the client, where the code goes and what it may do', async () => {
    await using relay = await startWeb();
    const registered = await consentPage(relay);
    expect(registered.title).toBe('Allow Test client to use your devices?');
    expect(registered.html).toContain('nobody has checked it');
    expect(registered.html).toContain('<strong>127.0.0.1</strong>');
    expect(registered.html).toContain('a program on the computer you are using now');
    expect(registered.html).toContain('every tool of your devices');

    const web = await consentPage(relay, {
      resource: `${relay.url}/mcp/laptop/shell`,
      client: {
        kind: 'document',
        id: 'https://app.example/client.json',
        loopback: false,
        redirectUri: 'https://app.example/back',
        redirectHost: 'app.example',
      },
    });
    expect(web.html).toContain('published by <strong>app.example</strong>');
    expect(web.html).toContain('every tool of the server “shell” on the device “laptop” only');
    expect(web.html).not.toContain('class="note"');

    const app = await consentPage(relay, {
      client: { loopback: false, redirectUri: 'cursor://anysphere/cb', redirectHost: 'cursor' },
    });
    expect(app.html).toContain('<strong>cursor:</strong>');
    expect(app.html).toContain('another app could have taken these links over');

    const agent = await consentPage(relay, {
      scopes: ['tunnel'],
      manage: 'none',
      client: { kind: 'agent', name: 'laptop' },
    });
    expect(agent.title).toBe('Connect this device to the relay?');
    expect(agent.html).toContain('offer this machine’s tools through this relay');
  });

  test('§7.37 has a box for restarting servers, ticked where the client asked for it, and sends what it says', async () => {
    await using relay = await startWeb();
    const box = (html: string) => /<input type="checkbox" name="manage" value="yes"( checked)?>/.exec(html)?.[0];
    const account = { userId: 'x|1', displayName: 'alice' };
    for (const [manage, checked] of [
      ['offered', false],
      ['asked', true],
    ] as const) {
      const page = await consentPage(relay, { manage, account });
      expect(page.html).toContain('Also let it restart my servers');
      expect(box(page.html)?.includes('checked')).toBe(checked);
      await page.submit({ decision: 'allow', manage: 'yes' });
      await (await consentPage(relay, { manage, account })).submit({ decision: 'allow' });
      const cleared = await consentPage(relay, { manage, account });
      await cleared.submit({ decision: 'allow', manage: '' });
      expect(relay.interactions.ended.splice(0).map((ended) => ended.manage)).toEqual([true, checked, false]);
    }
    expect(box((await consentPage(relay, { manage: 'none' })).html)).toBeUndefined();
  });

  test('a name cannot be markup, nor hide or reorder words', async () => {
    await using relay = await startWeb();
    const name = `</h1><script>alert(1)</script><img src=x onerror=alert(1)>\u202egnp.\u0000\n"'${'x'.repeat(500)}`;
    const page = await consentPage(relay, { client: { name, redirectHost: '<b>evil</b>' }, scopes: ['<i>mcp</i>'] });
    expect(page.html).not.toMatch(/<script|<img|<b>|<i>|\u202e|\0/);
    expect(page.html).toContain('&lt;script&gt;');
    expect(page.html.length).toBeLessThan(10_000);
  });

  test('only a form of ours, for this request, from this browser approves', async () => {
    await using relay = await startWeb();
    const browser = new PlainBrowser();
    const page = await consentPage(relay, {}, browser);
    const other = await consentPage(relay, {}, new PlainBrowser());
    const code = /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    const codeOfOther = /name="csrf" value="([^"]+)"/.exec(other.html)?.[1] ?? '';
    const send = async (form: Record<string, string>, who = browser) =>
      (await who.visit(page.url, form)).response.status;
    expect(await send({ decision: 'allow' })).toBe(403);
    expect(await send({ decision: 'allow', csrf: '' })).toBe(403);
    expect(await send({ decision: 'allow', csrf: codeOfOther })).toBe(403);
    expect(await send({ decision: 'allow', csrf: code }, new PlainBrowser())).toBe(400);
    expect(await send({ decision: 'maybe', csrf: code })).toBe(400);
    const crossSite = await fetch(page.url, {
      method: 'POST',
      headers: { cookie: browser.cookiesFor(page.url), 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams({ decision: 'allow', csrf: code }),
    });
    expect(crossSite.status).toBe(403);
    // None of it approved anything.
    expect((await browser.visit(page.url)).title).toContain('Allow');
    expect(await send({ decision: 'allow', csrf: code })).toBe(200);
    expect((await browser.visit(page.url)).title).toBe('Sign in');
  });

  test('§7.7 nothing but the form on the consent page leads to a code or to the provider', async () => {
    await using provider = await startOidcProvider();
    for (const start of [() => startWeb(), () => relayFor(provider)]) {
      await using relay = await start();
      for (const change of [{}, { account: { userId: 'x|1', displayName: 'alice' } }]) {
        const browser = new PlainBrowser();
        const page = await consentPage(relay, change, browser);
        const base = page.url.href;
        const code = /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
        for (const path of [
          '',
          '?account=other',
          '/end',
          '/sign-in',
          '?code=x&state=y',
          '?error=x',
          '?decision=allow',
        ]) {
          await browser.visit(base + path);
        }
        await browser.visit(`${relay.url}/callback?code=x&state=y`);
        await browser.visit(`${base}/sign-in`, { csrf: code, name: 'alice', password: 'x' });
        await browser.visit(`${base}/end`, { csrf: code, decision: 'allow' });
        expect(browser.trace.filter((line) => line.includes('/client'))).toEqual([]);
      }
      expect(relay.interactions.ended).toEqual([]);
    }
    expect(provider.authorizationRequests).toEqual([]);
  });

  test('deny ends the request', async () => {
    await using relay = await startWeb();
    const end = await (await consentPage(relay)).submit({ decision: 'deny' });
    expect(end.url.href).toBe(`${relay.url}/client?error=access_denied`);
    expect(relay.interactions.ended).toMatchObject([{ uid: expect.any(String) }]);
    expect(relay.interactions.ended[0]?.account).toBeUndefined();
  });

  test('who is signed in is shown, needs no second sign-in, and may be changed', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const account = { userId: 'x|1', displayName: 'bob@example.com' };
    const page = await consentPage(relay, { account });
    expect(page.html).toContain('Signed in as <strong>bob@example.com</strong>');
    const other = await consentPage(relay, { account });
    expect((await page.submit({ decision: 'allow' })).url.pathname).toBe('/client');
    expect(relay.interactions.ended).toMatchObject([{ account }]);
    expect(provider.authorizationRequests).toEqual([]);

    const switched = await other.browser.visit(
      new URL(/href="([^"]+account=other)"/.exec(other.html)?.[1] ?? '', relay.url),
    );
    expect(switched.html).not.toContain('Signed in as');
    const form = await switched.submit({ decision: 'allow' });
    expect(provider.authorizationRequests).toHaveLength(1);
    await form.submit({ name: 'alice', password: 'correct horse' });
    expect(relay.interactions.ended[1]?.account?.userId).toBe(`${provider.issuer}|alice`);
  });
});

describe('every page', () => {
  test('has the headers that keep it from being framed, stored or changed', async () => {
    await using relay = await startWeb();
    const browser = new PlainBrowser();
    const consent = await consentPage(relay, {}, browser);
    const pages = [consent, await consent.submit({ decision: 'allow' })];
    for (const path of ['/', '/setup', '/interaction/none', '/callback']) {
      pages.push(await browser.visit(relay.url + path));
    }
    for (const { response, html, url } of pages) {
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy, url.pathname).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("form-action 'self'");
      expect(policy).toContain("base-uri 'none'");
      expect(policy).not.toContain('unsafe');
      expect(response.headers.get('x-frame-options')).toBe('DENY');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('referrer-policy')).toBe('same-origin');
      expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(html).toContain('<html lang="en">');
      expect(html).not.toMatch(/ on\w+=| style="/);
    }
    // A client that opened the sign-in in a popup hears of its end through window.opener.
    expect(consent.response.headers.get('cross-origin-opener-policy')).toBe('unsafe-none');
  });

  test('cookies cannot be read by scripts, and end with their request', async () => {
    await using provider = await startOidcProvider();
    await using relay = await relayFor(provider);
    const browser = new PlainBrowser();
    const consent = await consentPage(relay, {}, browser);
    const code = /name="csrf" value="([^"]+)"/.exec(consent.html)?.[1] ?? '';
    await browser.request(consent.url, { decision: 'allow', csrf: code });
    const { response } = await browser.request(consent.url);
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^login_[\w-]{16}=/);
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Lax');
    expect(cookie).toContain('Path=/callback');
    expect(cookie).toContain('Max-Age=600');
  });

  test('a form that is too large, of another kind or given twice is refused', async () => {
    await using relay = await startWeb();
    const browser = new PlainBrowser();
    const page = await consentPage(relay, {}, browser);
    const send = async (body: string, type = 'application/x-www-form-urlencoded') => {
      const headers = { cookie: browser.cookiesFor(page.url), 'content-type': type };
      return (await fetch(page.url, { method: 'POST', headers, body })).status;
    };
    expect(await send(`decision=allow&csrf=${'x'.repeat(20_000)}`)).toBe(413);
    expect(await send('{"decision":"allow"}', 'application/json')).toBe(400);
    expect(await send('decision=allow&decision=deny&csrf=x')).toBe(400);
    expect(await send('decision[x]=allow&csrf=x')).toBe(403);
    expect(await send('', 'application/x-www-form-urlencoded; charset=utf-7')).toBe(400);
    expect(await send('__proto__=1&constructor=1')).toBe(403);
  });
});
