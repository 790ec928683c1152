import { describe, expect, test } from 'vitest';
import { startOidcProvider } from '../../helpers/oidc-provider.js';
import { PlainBrowser } from './plain-browser.js';
import { answerFor, relayFor, signIn } from './relay-for.js';

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
