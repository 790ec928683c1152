import type { Limits } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import type { Devices } from '../devices/types.js';
import type { Draining } from '../draining.js';
import type { Store } from '../store/store.js';
import { LegacyEdge } from './legacy-edge.js';
import { LegacyMethods } from './legacy-methods.js';
import { ListCursors } from './list-cursor.js';
import { Listeners } from './listeners.js';
import { McpEndpoint } from './mcp-endpoint.js';
import { ReplayStreams } from './replay-streams.js';
import { ServerCalls } from './server-calls.js';
import { Sessions } from './sessions.js';
import { ToolCalls } from './tool-calls.js';
import { ToolLists } from './tool-list.js';

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
  const sessions = new Sessions(sealKey, store, limits);
  const lists = new ToolLists(devices, new ListCursors(sealKey), limits.pageSize);
  const legacy = new LegacyEdge({
    limits,
    devices,
    sessions,
    lists,
    methods: new LegacyMethods(lists),
    toolCalls: new ToolCalls({ devices, draining: isDraining, version, logger }),
    serverCalls: new ServerCalls(devices, isDraining),
    streams: new ReplayStreams(limits),
    version,
    logger,
  });
  const undo = [parts.onRevoked((grantId) => sessions.revoke(grantId)), draining.onEnd(() => sessions.close())];
  return new McpEndpoint({
    limits,
    legacy,
    sessions,
    listeners: new Listeners(devices, lists, limits),
    draining: isDraining,
    logger,
    stop: () => {
      for (const each of undo) each();
    },
  });
}
