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
