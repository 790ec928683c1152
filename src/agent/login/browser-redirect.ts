import type { Configuration, TokenEndpointResponse } from 'openid-client';
import type { AgentConfig } from '../../config/config.js';
import { AGENT_SCOPE, tunnelResource } from '../credentials/discovery.js';
import { type Answer, openCallbackServer } from './callback-server.js';
import { unlessAborted } from './unless-aborted.js';

export interface BrowserRedirectOptions {
  readonly config: AgentConfig;
  readonly server: Configuration;
  readonly signal: AbortSignal;
  /** Is given the address to open; tells the person too. */
  readonly open: (url: string) => void;
}

/**
 * Logs in through a browser on this machine: authorization code with PKCE (RFC 7636) and a loopback redirect (RFC 8252).
 * `keep` is given the tokens; the browser is told how it all ended.
 * @throws openid-client's errors, what `keep` throws, or the signal's reason
 */
export async function byBrowserRedirect<T>(
  { config, server, signal, open }: BrowserRedirectOptions,
  keep: (tokens: TokenEndpointResponse) => Promise<T>,
): Promise<T> {
  const client = await import('openid-client');
  const state = client.randomState();
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const callback = await openCallbackServer(state);
  let answer: Answer | undefined;
  let outcome: 'done' | 'failed' = 'failed';
  try {
    const url = client.buildAuthorizationUrl(server, {
      redirect_uri: callback.redirectUri,
      scope: AGENT_SCOPE,
      resource: tunnelResource(config),
      state,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    open(url.href);
    answer = await unlessAborted(callback.answer, signal);
    // openid-client checks state and, per RFC 9207, that the answer is this issuer's.
    const tokens = await client.authorizationCodeGrant(
      server,
      new URL(`${callback.redirectUri}?${answer.parameters}`),
      { pkceCodeVerifier, expectedState: state },
      { resource: tunnelResource(config) },
    );
    const kept = await keep(tokens);
    outcome = 'done';
    return kept;
  } finally {
    answer?.reply(outcome);
    callback.close();
  }
}
