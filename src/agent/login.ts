import type { Configuration } from 'openid-client';
import type { AgentConfig } from '../config/config.js';
import { printable } from '../log/printable.js';
import { AGENT_SCOPE, discoverRelay, networkReason, tunnelResource } from './credentials/discovery.js';
import { CredentialStore } from './credentials/store.js';
import { lifetime } from './credentials/token-source.js';
import { type Answer, pastedAnswer } from './login/answer.js';
import { openBrowser } from './login/browser.js';
import { type CallbackServer, openCallbackServer } from './login/callback-server.js';
import { explained, timedOut, unanswered } from './login/login-error.js';
import { useProxyForFetch } from './network.js';

const TIMEOUT_MS = 10 * 60_000;

export interface LoginOptions {
  /** Aborting ends the login with the signal's reason. */
  readonly signal: AbortSignal;
  /** False: the answer goes to a page of the relay that shows it for pasting, and no browser is opened here. */
  readonly browser: boolean;
  /** Lines for the person who logs in; the login address is among them. */
  readonly notify: (text: string) => void;
  /** One line of input, undefined when there will be no more; must reject when its signal aborts. Absent: nobody can paste. */
  readonly readPaste?: (signal: AbortSignal) => Promise<string | undefined>;
  /** Instead of the system's browser. */
  readonly openUrl?: (url: string) => Promise<void>;
  readonly timeoutMs?: number;
}

export interface LoginResult {
  readonly relay: string;
  /** Who logged in, where the relay tells. */
  readonly account?: string;
  /** When the access token expires, in milliseconds since the epoch; it is renewed by itself. */
  readonly expiresAt: number;
  /** Where the tokens are kept. */
  readonly file: string;
}

/**
 * Logs this profile in at its relay: authorization code with PKCE (RFC 7636) and, with a browser here, a loopback redirect
 * (RFC 8252). What comes first wins: the browser's way back, or a pasted answer.
 * @throws LoginError, PrivatePathError (before anyone is asked), or the signal's reason
 */
export async function login(config: AgentConfig, options: LoginOptions): Promise<LoginResult> {
  await useProxyForFetch();
  const store = new CredentialStore(config);
  await store.load();
  const ended = new AbortController();
  const onAbort = () => ended.abort(options.signal.reason);
  options.signal.throwIfAborted();
  options.signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => ended.abort(timedOut()), options.timeoutMs ?? TIMEOUT_MS);
  try {
    return await exchange(config, store, options, ended.signal);
  } catch (error) {
    if (ended.signal.aborted) throw ended.signal.reason;
    throw explained(config, error, await import('openid-client'));
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', onAbort);
    // Ends the wait for a paste when the browser was first.
    ended.abort();
  }
}

async function exchange(
  config: AgentConfig,
  store: CredentialStore,
  options: LoginOptions,
  signal: AbortSignal,
): Promise<LoginResult> {
  const server = await discoverRelay(config, signal);
  const client = await import('openid-client');
  const state = client.randomState();
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const callback = options.browser ? await openCallbackServer(state) : undefined;
  const redirectUri = callback?.redirectUri ?? `${config.relay}/login/code`;
  let answer: Answer | undefined;
  let outcome: 'done' | 'failed' = 'failed';
  try {
    const url = client.buildAuthorizationUrl(server, {
      redirect_uri: redirectUri,
      scope: AGENT_SCOPE,
      resource: tunnelResource(config),
      state,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    invite(options, url.href);
    answer = await firstAnswer(callback, options, state, signal);
    // openid-client checks state and, per RFC 9207, that the answer is this issuer's.
    const tokens = await client.authorizationCodeGrant(
      server,
      new URL(`${redirectUri}?${answer.parameters}`),
      { pkceCodeVerifier, expectedState: state },
      { resource: tunnelResource(config) },
    );
    const account = typeof tokens.account === 'string' ? printable(tokens.account) : undefined;
    const credentials = {
      relay: config.relay,
      accessToken: tokens.access_token,
      ...lifetime(tokens.expires_in),
      ...(account === undefined ? {} : { account }),
      ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
    };
    await store.exclusively(signal, () => store.save(credentials));
    outcome = 'done';
    const named = account === undefined ? {} : { account };
    return { relay: config.relay, ...named, expiresAt: credentials.expiresAt, file: store.file };
  } finally {
    answer?.reply(outcome);
    callback?.close();
  }
}

function invite({ browser, notify, readPaste, openUrl = openBrowser }: LoginOptions, url: string): void {
  notify(`To log in, open this address in a browser:\n\n  ${url}\n`);
  if (!browser) notify('Then paste here the line it shows you.');
  else if (readPaste !== undefined) notify('Browser on another machine? Paste here the address it ends at.');
  // Whatever becomes of the browser, the printed address works.
  if (browser) openUrl(url).catch(() => {});
}

/** The browser's way back or a paste, whichever comes first. @throws LoginError when neither can come any more */
function firstAnswer(
  callback: CallbackServer | undefined,
  { readPaste, notify }: LoginOptions,
  state: string,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    callback?.answer.then(resolve, reject);
    const pasted =
      readPaste === undefined
        ? Promise.resolve('no_answer' as const)
        : pastedAnswer({ readPaste, notify, state, signal });
    pasted.then((answer) => {
      if (typeof answer !== 'string') resolve(answer);
      else if (callback === undefined) reject(unanswered(answer));
    }, reject);
  });
}

export interface LogoutResult {
  readonly relay: string;
  /** False when there was no login to end. */
  readonly wasLoggedIn: boolean;
  /** Whether the relay has ended the login (RFC 7009); if not, `problem` says why. */
  readonly revoked: boolean;
  readonly problem?: string;
}

/** Ends this profile's login: at the relay as far as it can be reached, here in any case. @throws PrivatePathError, or the signal's reason */
export async function logout(config: AgentConfig, { signal }: { readonly signal: AbortSignal }): Promise<LogoutResult> {
  await useProxyForFetch();
  const store = new CredentialStore(config);
  const { relay } = config;
  return store.exclusively(signal, async () => {
    const credentials = await store.load();
    const token = credentials?.refreshToken;
    const problem = token === undefined ? undefined : await revoke(config, token, signal);
    await store.delete();
    const revoked = token !== undefined && problem === undefined;
    const wasLoggedIn = credentials !== undefined;
    return { relay, wasLoggedIn, revoked, ...(problem === undefined ? {} : { problem }) };
  });
}

async function revoke(config: AgentConfig, token: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const server: Configuration = await discoverRelay(config, signal);
    const { tokenRevocation } = await import('openid-client');
    await tokenRevocation(server, token, { token_type_hint: 'refresh_token' });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return `${config.relay} could not be told (${networkReason(error)}). The login ends there when it expires.`;
  }
}
