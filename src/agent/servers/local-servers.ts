import type { LocalServerConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import type { ServerOffer } from '../../protocol/messages.js';
import { type Clock, systemClock } from './clock.js';
import { ConfiguredServer } from './configured-server.js';
import { type ConnectorOptions, connector } from './connector.js';
import { untilAborted } from './deferred.js';
import { EraMemory } from './era/era-memory.js';
import { sumOfHeld } from './server-memory.js';
import { type AskPolicy, type LocalServers, type LocalServersEvents, ServerError } from './types.js';

export interface LocalServersOptions extends ConnectorOptions {
  readonly logger: Logger;
  readonly events: LocalServersEvents;
  /** Sent to each server in `initialize`. */
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** What the offers say of `fit`; true unless given. */
  readonly clientFit?: boolean;
  /** Where the eras that servers were found to speak are kept for a day; only as long as this agent runs unless given. */
  readonly eraFile?: string;
  readonly clock?: Clock;
  /** A number in [0, 1), for the jitter of restarts. */
  readonly random?: () => number;
}

/** The local servers of the config, not yet started. `start` begins, `close` ends every process. */
export function createLocalServers(
  config: Readonly<Record<string, LocalServerConfig>>,
  options: LocalServersOptions,
): LocalServers {
  const { logger, events, clientFit = true, clock = systemClock, random = Math.random } = options;
  const offered = (catalog: ServerOffer): ServerOffer => (clientFit ? catalog : { ...catalog, fit: false });
  const closing = new AbortController();
  const connect = connector(options, closing.signal);
  const memory = new EraMemory(clock, options.eraFile);
  const servers = new Map(
    Object.entries(config).map(([name, serverConfig]) => {
      const server = new ConfiguredServer({
        name,
        config: serverConfig,
        logger: logger.child(`server ${name}`),
        events: { ...events, catalog: (from, catalog) => events.catalog(from, catalog && offered(catalog)) },
        clientInfo: options.clientInfo,
        clock,
        random,
        policy: policyOf(serverConfig),
        memory,
        connect: (era, memory) => connect(serverConfig, era, memory),
      });
      return [name, server] as const;
    }),
  );
  const find = (name: string): ConfiguredServer => {
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
    offer: (name) => {
      const catalog = servers.get(name)?.catalog;
      return catalog && offered(catalog);
    },
    settled: async (signal) => {
      const settled = Promise.all(all().map((server) => server.settled));
      await untilAborted(settled, signal).catch(() => undefined);
    },
    notify: async (name, method, params, client) => find(name).notify(method, params, client),
    askPolicy: (name) => find(name).policy,
    endSession: (session) => {
      for (const server of all()) server.endSession(session);
    },
    unreadInput: (name, session) => servers.get(name)?.heldFor(session).unreadInput ?? 0,
    held: () => sumOfHeld(all().map((server) => server.held)),
    holdBack: (name, held) => servers.get(name)?.holdBack(held),
    request: (name, method, params, context) => {
      // The layers below hand on the promise of the one that waits for the server, since one of their own each would cost
      // a call a microsecond: so what is wrong from the start they throw.
      try {
        return find(name).request(method, params, context);
      } catch (error) {
        return Promise.reject(error);
      }
    },
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

function policyOf({ roots, sampling = false }: LocalServerConfig): AskPolicy {
  return { roots: roots?.map((uri) => ({ uri })), sampling };
}
