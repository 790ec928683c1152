import type { LocalServerConfig } from '../../config/config.js';
import type { AgentEnvironment } from '../../config/environment.js';
import type { Logger } from '../../log/logger.js';
import type { ServerOffer } from '../../protocol/messages.js';
import { childEnvironment } from './child-environment.js';
import { type Clock, systemClock } from './clock.js';
import { untilAborted } from './deferred.js';
import { LocalServer } from './local-server.js';
import { loginPath } from './login-path.js';
import { StdioTransport } from './stdio-transport.js';
import type { Transport } from './transport.js';
import { type AskPolicy, type LocalServers, type LocalServersEvents, ServerError } from './types.js';

const MESSAGE_BYTES = 64 * 1024 * 1024;

export interface LocalServersOptions {
  readonly logger: Logger;
  readonly events: LocalServersEvents;
  /** Sent to each server in `initialize`. */
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly environment: AgentEnvironment;
  /** What the offers say of `fit`; true unless given. */
  readonly clientFit?: boolean;
  /** Largest message a server may send; 64 MiB unless given. */
  readonly messageBytes?: number;
  readonly platform?: NodeJS.Platform;
  readonly clock?: Clock;
  /** A number in [0, 1), for the jitter of restarts. */
  readonly random?: () => number;
}

/** The local servers of the config, not yet started. `start` begins, `close` ends every process. */
export function createLocalServers(
  config: Readonly<Record<string, LocalServerConfig>>,
  options: LocalServersOptions,
): LocalServers {
  const { logger, events, clientInfo, clientFit = true, clock = systemClock, random = Math.random } = options;
  const offered = (catalog: ServerOffer): ServerOffer => ({ ...catalog, fit: clientFit });
  const closing = new AbortController();
  const connect = connector(options, closing.signal);
  const servers = new Map(
    Object.entries(config).map(([name, serverConfig]) => {
      const server = new LocalServer({
        name,
        config: serverConfig,
        logger: logger.child(`server ${name}`),
        events: { ...events, catalog: (from, catalog) => events.catalog(from, catalog && offered(catalog)) },
        clientInfo,
        clock,
        random,
        connect: () => connect(serverConfig),
      });
      return [name, server] as const;
    }),
  );
  const find = (name: string): LocalServer => {
    const server = servers.get(name);
    if (server) return server;
    throw new ServerError('unknown_server', `no server "${name}" in the config`, false);
  };
  const all = () => [...servers.values()];

  return {
    start: () => {
      for (const server of all()) server.start();
    },
    states: () => all().map((server) => server.state),
    catalogs: () =>
      new Map([...servers].flatMap(([name, { catalog }]) => (catalog ? [[name, offered(catalog)] as const] : []))),
    settled: async (signal) => {
      const settled = Promise.all(all().map((server) => server.settled));
      await untilAborted(settled, signal).catch(() => undefined);
    },
    notify: (name, method, params) => find(name).notify(method, params),
    askPolicy: (name) => {
      find(name);
      return policyOf(config[name]);
    },
    endSession: () => {},
    request: async (name, method, params, context) => find(name).request(method, params, context),
    restart: async (name, signal) => {
      const chosen = name === undefined ? all() : [find(name)];
      return untilAborted(Promise.all(chosen.map((server) => server.restart())), signal);
    },
    close: async () => {
      closing.abort();
      await Promise.all(all().map((server) => server.stop()));
    },
  };
}

function policyOf(config: LocalServerConfig | undefined): AskPolicy {
  return { roots: config?.roots?.map((uri) => ({ uri })), sampling: config?.sampling === true };
}

/** Makes a way to a server. Asks the login shell for PATH once, when the first process is to be started. */
function connector(
  options: LocalServersOptions,
  closing: AbortSignal,
): (config: LocalServerConfig) => Promise<Transport> {
  const { environment, messageBytes = MESSAGE_BYTES, platform = process.platform } = options;
  let path: Promise<string> | undefined;
  return async (config) => {
    if ('url' in config) {
      // Only who has HTTP servers pays for the SDK's start.
      const { HttpTransport } = await import('./http-transport.js');
      return new HttpTransport({ ...config, messageBytes, proxy: environment.proxy });
    }
    path ??= loginPath(environment, closing);
    const env = childEnvironment(environment, await path, config.env, platform);
    return new StdioTransport({ ...config, env, messageBytes, platform });
  };
}
