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
