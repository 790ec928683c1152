import type { OidcLoginConfig } from '../../../src/config/config.js';
import type { TestOidcProvider } from '../../helpers/oidc-provider.js';
import { PlainBrowser, type VisitedPage } from './plain-browser.js';
import { startWeb, type WebRelay } from './web-harness.js';

/** A relay that signs people in at this provider, and is registered there. */
export async function relayFor(provider: TestOidcProvider, auth: Partial<OidcLoginConfig> = {}): Promise<WebRelay> {
  const relay = await startWeb({
    auth: {
      issuer: provider.issuer,
      clientId: provider.clientId,
      ...(provider.clientSecret === undefined ? {} : { clientSecret: provider.clientSecret }),
      ...auth,
    },
  });
  provider.allowRedirect(`${relay.url}/callback`);
  return relay;
}

/** Consent, then the form that follows, to whatever page that leads to. */
export async function signIn(
  relay: WebRelay,
  user = 'alice',
  password = 'correct horse',
  browser = new PlainBrowser(),
): Promise<VisitedPage> {
  const consent = await browser.visit(`${relay.url}/begin`);
  const form = await consent.submit({ decision: 'allow' });
  return form.submit({ name: user, password });
}

/** Signs in at the provider but stops before the relay sees the answer; returns the answer's address. */
export async function answerFor(relay: WebRelay, browser: PlainBrowser, user = 'alice'): Promise<URL> {
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
