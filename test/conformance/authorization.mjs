// The suite's `authorization` scenarios against the relay's authorization server: a client that registers, and a person.

import { FormBrowser } from '../../scripts/demo/form-browser.mjs';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { runSuite } from './suite.mjs';

async function register(issuer, redirectUri) {
  const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
  const response = await fetch(metadata.registration_endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Conformance suite',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }),
  });
  return { clientId: (await response.json()).client_id, issuer: metadata.issuer };
}

/** Consent, then sign-in; ends at the suite's own callback. */
async function signIn(url, account) {
  const browser = new FormBrowser();
  const page = await browser.submit(await browser.open(url), { decision: 'allow' });
  if (page.html.includes('type="password"')) await browser.submit(page, account);
}

/** @returns checks by scenario */
export async function runAuthorization({ issuer, account }, revision) {
  const port = await freePort(33500);
  const client = await register(issuer, `http://127.0.0.1:${port}/callback`);
  const args = ['--url', client.issuer, '--client-id', client.clientId, '--port', `${port}`];
  const more = ['--resource', `${issuer}/mcp`, '--spec-version', revision];
  let signingIn;
  const found = await runSuite(['authorization', ...args, ...more], (line) => {
    if (/^https?:\/\/\S+\?\S*code_challenge=/.test(line.trim())) signingIn ??= signIn(line.trim(), account);
  });
  await signingIn;
  return found;
}
