import type { Limits } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import type { Devices } from '../devices/types.js';
import type { Draining } from '../draining.js';
import type { Store } from '../store/store.js';
import { ReplayStreams } from './answers/replay-streams.js';
import { MergedCalls } from './calls/merged-calls.js';
import { ServerCalls } from './calls/server-calls.js';
import { LegacyCalls } from './legacy/legacy-calls.js';
import { LegacyEdge } from './legacy/legacy-edge.js';
import { LegacyMethods } from './legacy/legacy-methods.js';
import { Listeners } from './legacy/listeners.js';
import { tellAgents } from './legacy/session-end.js';
import { Sessions } from './legacy/sessions.js';
import { Subscriptions } from './legacy/subscriptions.js';
import { ListCursors } from './lists/list-cursor.js';
import { Lists } from './lists/lists.js';
import { McpEndpoint } from './mcp-endpoint.js';
import { ModernEdge } from './modern/modern-edge.js';
import { ModernListens } from './modern/modern-listens.js';

export interface EndpointParts {
  readonly limits: Limits;
  readonly devices: Devices;
  readonly store: Store;
  readonly draining: Draining;
  readonly logger: Logger;
  /** 32 bytes for session ids and cursors, the same after a restart. */
  readonly sealKey: Uint8Array;
  /** This program's version. */
  readonly version: string;
  /** See TokenVerifier.onRevoked. */
  onRevoked(listener: (grantId: string) => void): () => void;
}

/** Puts the MCP endpoint together; `close` ends it. */
export function createEndpoint(parts: EndpointParts): McpEndpoint {
  const { limits, devices, store, draining, sealKey, version } = parts;
  const logger = parts.logger.child('mcp');
  const isDraining = () => draining.draining;
  const subscriptions = new Subscriptions({ devices, store, sessionSeconds: limits.sessionSeconds, logger });
  const sessions = new Sessions(sealKey, store, limits, {
    reopened: (session, grantId) => subscriptions.restore(session, grantId),
    ended: async (session) => {
      tellAgents(devices, session);
      await subscriptions.forget(session);
    },
  });
  const { pageSize, listBytes } = limits;
  const lists = new Lists(devices, new ListCursors(sealKey), { pageSize, listBytes, version });
  const mergedCalls = new MergedCalls({ devices, draining: isDraining, version, logger });
  const serverCalls = new ServerCalls(devices, isDraining);
  const streams = new ReplayStreams(limits);
  const legacy = new LegacyEdge({
    limits,
    devices,
    sessions,
    lists,
    methods: new LegacyMethods(lists),
    calls: new LegacyCalls({ devices, lists, mergedCalls, serverCalls, subscriptions, draining: isDraining, logger }),
    streams,
    version,
  });
  const listens = new ModernListens({ devices, lists, limits, draining: isDraining });
  const modern = new ModernEdge({
    limits,
    devices,
    lists,
    mergedCalls,
    serverCalls,
    listens,
    draining: isDraining,
    version,
    logger,
  });
  const undo = [
    parts.onRevoked((grantId) => sessions.revoke(grantId)),
    parts.onRevoked((grantId) => modern.revoke(grantId)),
    draining.onEnd(() => sessions.close()),
    draining.onEnd(() => modern.close()),
    () => lists.close(),
  ];
  return new McpEndpoint({
    limits,
    legacy,
    modern,
    sessions,
    listeners: new Listeners(devices, lists, limits),
    lists,
    streams,
    draining: isDraining,
    logger,
    stop: () => {
      for (const each of undo) each();
    },
  });
}
