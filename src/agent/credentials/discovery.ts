import type { Configuration, CustomFetch } from 'openid-client';
import type { AgentConfig } from '../../config/config.js';
import { isLoopbackHost } from '../../config/urls.js';
import { printable } from '../../log/printable.js';
import { isCertificateProblem } from '../network.js';

/** The agent at every relay: a public client, known without registration. */
const AGENT_CLIENT_ID = 'mcp-local-tunnel-agent';
export const AGENT_SCOPE = 'tunnel';
const REQUEST_SECONDS = 15;
const METADATA_BYTES = 64 * 1024;

/**
 * - `relay_unreachable`: no answer, or one that says to come back later
 * - `not_a_relay`: something answers, but not with a relay's metadata
 * - `wrong_origin`: the relay is known to itself by another URL
 * - `insecure`: plain http:// to another machine
 */
export type DiscoveryErrorCode = 'relay_unreachable' | 'not_a_relay' | 'wrong_origin' | 'insecure';

/** The relay's authorization server was not found. The message ends with the next step. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError';
  constructor(
    readonly code: DiscoveryErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** RFC 8707 resource of the agents' WebSocket, which an agent's token is bound to. */
export function tunnelResource(config: { readonly relay: string }): string {
  return `${config.relay}/ws`;
}

/**
 * Finds the relay's authorization server: RFC 9728 metadata of `/ws`, then RFC 8414 metadata of the issuer it names.
 * The issuer must be the same string in both, and on the relay's own origin with all its endpoints: the agent's tokens
 * go nowhere else. `signal` ends the discovery only: a grant cut short could lose a token that was already rotated.
 * @throws DiscoveryError, or the signal's reason
 */
export async function discoverRelay(config: AgentConfig, signal: AbortSignal): Promise<Configuration> {
  const { relay } = config;
  if (!isSecure(config)) {
    const message = `${relay} would send your login over the network in the clear. Use https:// (or --insecure, if you must).`;
    throw new DiscoveryError('insecure', message);
  }
  const issuer = await readIssuer(relay, signal);
  // Loaded here: what only looks at a login does not pay for the OAuth client.
  const client = await import('openid-client');
  const fetchUntilAborted: CustomFetch = (url, options) => {
    const signals = options.signal === undefined ? [signal] : [signal, options.signal];
    return fetch(url, { ...options, signal: AbortSignal.any(signals) });
  };
  const insecure = new URL(relay).protocol === 'http:';
  let server: Configuration;
  try {
    server = await client.discovery(new URL(issuer), AGENT_CLIENT_ID, undefined, client.None(), {
      algorithm: 'oauth2',
      timeout: REQUEST_SECONDS,
      execute: insecure ? [client.allowInsecureRequests] : [],
      [client.customFetch]: fetchUntilAborted,
    });
  } catch (cause) {
    signal.throwIfAborted();
    if (isNetworkError(cause)) throw unreachable(relay, cause);
    throw notARelay(relay, 'its authorization server metadata is missing or wrong', cause);
  }
  server[client.customFetch] = (url, options) => fetch(url, options);
  checkMetadata(relay, issuer, server);
  return server;
}

async function readIssuer(relay: string, signal: AbortSignal): Promise<string> {
  const url = `${relay}/.well-known/oauth-protected-resource/ws`;
  const timeout = AbortSignal.timeout(REQUEST_SECONDS * 1000);
  let text: string;
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    });
    if (response.status === 429 || response.status >= 500) {
      throw new TypeError(`status ${response.status}`, { cause: response });
    }
    text = response.status === 200 ? await readLimited(response) : '';
  } catch (cause) {
    signal.throwIfAborted();
    throw unreachable(relay, cause);
  }
  const metadata = parseObject(text);
  if (metadata === undefined) throw notARelay(relay, `${url} has no metadata`);
  if (metadata.resource !== tunnelResource({ relay })) {
    const named = typeof metadata.resource === 'string' ? metadata.resource.replace(/\/ws$/, '') : 'nothing';
    const message = `${relay} calls itself ${printable(named.slice(0, 200))}. Write that as "relay" in the config, or set the relay's "issuerUrl".`;
    throw new DiscoveryError('wrong_origin', message);
  }
  const servers = metadata.authorization_servers;
  const issuer: unknown = Array.isArray(servers) ? servers[0] : undefined;
  if (typeof issuer !== 'string' || !sameOrigin(relay, issuer)) {
    throw notARelay(relay, 'its metadata names no authorization server of its own');
  }
  return issuer;
}

function checkMetadata(relay: string, issuer: string, server: Configuration): void {
  const metadata = server.serverMetadata();
  // RFC 8414 §3.3: identical, while openid-client forgives what URL parsing makes equal.
  if (metadata.issuer !== issuer) throw notARelay(relay, 'its two metadata documents name different issuers');
  for (const endpoint of [metadata.authorization_endpoint, metadata.token_endpoint]) {
    if (endpoint === undefined || !sameOrigin(relay, endpoint)) {
      throw notARelay(relay, 'its metadata points at another server');
    }
  }
  for (const endpoint of [metadata.revocation_endpoint, metadata.device_authorization_endpoint]) {
    if (endpoint !== undefined && !sameOrigin(relay, endpoint)) {
      throw notARelay(relay, 'its metadata points at another server');
    }
  }
}

/** Whether tokens may travel to this relay: TLS, this machine, or the user's explicit word. */
function isSecure(config: AgentConfig): boolean {
  const { protocol, hostname } = new URL(config.relay);
  if (protocol === 'https:') return true;
  return protocol === 'http:' && (isLoopbackHost(hostname) || config.insecure);
}

/** Whether an error of fetch or openid-client means "no proper answer now" rather than "a wrong answer". */
export function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return true;
  if (error instanceof TypeError) return error.message === 'fetch failed' || error.message === 'terminated';
  if (!('code' in error)) return false;
  if (error.code === 'OAUTH_TIMEOUT' || error.code === 'OAUTH_ABORT') return true;
  const { cause } = error;
  return cause instanceof Response && (cause.status === 429 || cause.status >= 500);
}

function unreachable(relay: string, cause: unknown): DiscoveryError {
  const reason = networkReason(cause);
  const next = isCertificateProblem(reason)
    ? 'Its certificate is not trusted: name a private CA with NODE_EXTRA_CA_CERTS.'
    : 'Check the address, the network and that the relay runs.';
  const message = `The relay ${relay} cannot be reached (${reason}). ${next}`;
  return new DiscoveryError('relay_unreachable', message, { cause });
}

function notARelay(relay: string, why: string, cause?: unknown): DiscoveryError {
  const message = `${relay} does not answer as a relay: ${why}. Check "relay" in the config, and the proxy in front of it.`;
  return new DiscoveryError('not_a_relay', message, { cause });
}

/** The system's own word for what went wrong, e.g. ECONNREFUSED. */
export function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  if (cause instanceof Response) return `status ${cause.status}`;
  return error.message;
}

/** Whether `url` is at the relay itself, scheme and port included. */
export function sameOrigin(relay: string, url: string): boolean {
  return URL.canParse(url) && new URL(url).origin === new URL(relay).origin;
}

async function readLimited(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > METADATA_BYTES) return '';
  }
  return text;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
