import type { Configuration, TokenEndpointResponse } from 'openid-client';
import type { AgentConfig } from '../config/config.js';
import { printable } from '../log/printable.js';
import { discoverRelay, networkReason } from './credentials/discovery.js';
import { CredentialStore } from './credentials/store.js';
import { lifetime } from './credentials/token-source.js';
import { openBrowser } from './login/browser.js';
import { byBrowserRedirect } from './login/browser-redirect.js';
import { byDeviceCode, type DeviceCode } from './login/device-code.js';
import { explained, timedOut } from './login/login-error.js';
import { useProxyForFetch } from './network.js';

const TIMEOUT_MS = 10 * 60_000;

export interface LoginOptions {
  /** Aborting ends the login with the signal's reason. */
  readonly signal: AbortSignal;
  /** False: the person types a code into a browser anywhere (RFC 8628), and none is opened here. */
  readonly browser: boolean;
  /** Lines for the person who logs in; the login address is among them. */
  readonly notify: (text: string) => void;
  /** Is given the code to type in place of words about it, for programs. */
  readonly showCode?: (code: DeviceCode) => void;
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
 * Logs this profile in at its relay, through a browser here or by a code for a browser elsewhere.
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
    return await logIn(config, store, options, ended.signal);
  } catch (error) {
    if (ended.signal.aborted) throw ended.signal.reason;
    throw explained(config, error, await import('openid-client'));
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', onAbort);
  }
}

async function logIn(
  config: AgentConfig,
  store: CredentialStore,
  { browser, notify, showCode = (code) => tellCode(notify, code), openUrl = openBrowser }: LoginOptions,
  signal: AbortSignal,
): Promise<LoginResult> {
  const server = await discoverRelay(config, signal);
  const keep = (tokens: TokenEndpointResponse) => keepTokens(config, store, tokens, signal);
  if (!browser) return keep(await byDeviceCode({ config, server, signal, show: showCode }));
  const open = (url: string) => {
    notify(`To log in, open this address in a browser:\n\n  ${url}\n`);
    notify('Browser on another machine? End this with Ctrl-C and add --no-browser.');
    // Whatever becomes of the browser, the printed address works.
    openUrl(url).catch(() => {});
  };
  return byBrowserRedirect({ config, server, signal, open }, keep);
}

function tellCode(notify: LoginOptions['notify'], { verificationUri, userCode, expiresAt }: DeviceCode): void {
  const minutes = Math.round((expiresAt - Date.now()) / 60_000);
  notify(`To log in, open this address in any browser, on any machine:\n\n  ${verificationUri}\n`);
  notify(`and type this code there:\n\n  ${userCode}\n`);
  notify(`Waiting for you, ${minutes} minutes at most. Give the code to nobody. Ctrl-C ends it.`);
}

async function keepTokens(
  config: AgentConfig,
  store: CredentialStore,
  tokens: TokenEndpointResponse,
  signal: AbortSignal,
): Promise<LoginResult> {
  const account = typeof tokens.account === 'string' ? printable(tokens.account) : undefined;
  const named = account === undefined ? {} : { account };
  const credentials = {
    relay: config.relay,
    accessToken: tokens.access_token,
    ...lifetime(tokens.expires_in),
    ...named,
    ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
  };
  await store.exclusively(signal, () => store.save(credentials));
  return { relay: config.relay, ...named, expiresAt: credentials.expiresAt, file: store.file };
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
