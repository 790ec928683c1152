import type { Agent } from 'node:http';
import { getProxyForUrl } from 'proxy-from-env';
import { agentEnvironment, type Environment, environment } from '../config/environment.js';

/** Local servers and a relay on this machine are never reached through a proxy, whatever NO_PROXY says. */
const LOCAL = 'localhost,127.0.0.1,[::1],::1';

/**
 * Sends every `fetch` of this process through the proxy of HTTPS_PROXY and HTTP_PROXY, less NO_PROXY.
 * Does nothing, and loads nothing, where no proxy is set.
 */
export async function useProxyForFetch(env: Environment = environment()): Promise<void> {
  const { proxy } = agentEnvironment(env);
  if (proxy.https === undefined && proxy.http === undefined) return;
  const { EnvHttpProxyAgent, setGlobalDispatcher } = await import('undici');
  setGlobalDispatcher(
    new EnvHttpProxyAgent({
      ...(proxy.http === undefined ? {} : { httpProxy: proxy.http }),
      ...(proxy.https === undefined ? {} : { httpsProxy: proxy.https }),
      noProxy: proxy.no === undefined ? LOCAL : `${proxy.no},${LOCAL}`,
    }),
  );
}

/** The proxy's agent for a WebSocket to `relay` (an http or https origin), or undefined for a direct connection. */
export async function proxyAgentFor(relay: string): Promise<Agent | undefined> {
  const host = new URL(relay).hostname;
  if (LOCAL.split(',').includes(host)) return undefined;
  const proxy = getProxyForUrl(relay);
  if (proxy === '') return undefined;
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  return new HttpsProxyAgent(proxy);
}

/** True for the system codes by which TLS says that it does not trust a certificate. */
export function isCertificateProblem(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO/.test(code);
}

/** The relay's own port answers so when nothing listens, or what forwards to it when nothing listens behind. */
const AWAY_CODES: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET']);

/** True for statuses by which a proxy says that the server behind it does not answer; 520 to 530 are Cloudflare's. */
export function isAwayStatus(status: number): boolean {
  return (status >= 502 && status <= 504) || (status >= 520 && status <= 530);
}

/** Whether an error of a request says that the network is there and the relay is not: it may be back any moment. */
export function saysAway(error: unknown): boolean {
  if (error instanceof Error) {
    if ('code' in error && typeof error.code === 'string' && AWAY_CODES.has(error.code)) return true;
    return saysAway(error.cause);
  }
  // Asked last: the first mention of Response loads all of fetch, which a link that cannot be dialled does without.
  return typeof error === 'object' && error instanceof Response && isAwayStatus(error.status);
}
