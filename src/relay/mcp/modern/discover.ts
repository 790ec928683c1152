import type { Devices, ServerView } from '../../devices/types.js';
import { relayInfo } from '../answers/relay-info.js';
import type { Endpoint, ServerEndpoint } from '../endpoint.js';
import { TASKS, UI } from '../extensions.js';
import { instructionsFor } from '../instructions.js';
import { isShape, type Shape } from '../json-rpc.js';
import { notReady } from '../legacy/initialize-result.js';
import { ALL_VERSIONS, MODERN_VERSION } from '../protocol-versions.js';
import { devicesAt, serverAt } from '../scope.js';
import { SERVER_INFO } from './envelope.js';

/** What every result of the method has (26 server/discover). It is one user's, and of this moment. */
const WHOLE = { resultType: 'complete', supportedVersions: ALL_VERSIONS, ttlMs: 0, cacheScope: 'private' } as const;

/** @returns the result of `server/discover`, or, as text, why there is none yet */
export function discoverResult(
  devices: Devices,
  userId: string,
  endpoint: Endpoint,
  relayVersion: string,
): Shape | string {
  if (endpoint.kind === 'server') return serversOwn(devices, userId, endpoint);
  const present = devicesAt(devices, userId, endpoint);
  return {
    ...WHOLE,
    // Of what any server may have, now or when it comes; except tasks, which no client should wait for in vain.
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      completions: {},
      logging: {},
      extensions: {
        [UI]: {},
        ...(present.some(({ servers }) => servers.some(hasTasks)) ? { [TASKS]: {} } : {}),
      },
    },
    instructions: instructionsFor(present, endpoint.kind),
    _meta: { [SERVER_INFO]: relayInfo(relayVersion, MODERN_VERSION) },
  };
}

/** What the server said of itself when it was last ready. */
function serversOwn(devices: Devices, userId: string, endpoint: ServerEndpoint): Shape | string {
  const server = serverAt(devices, userId, endpoint)?.server;
  if (server?.serverInfo === undefined) return notReady(endpoint, server);
  return {
    ...WHOLE,
    capabilities: server.era === 'modern' ? (server.capabilities ?? {}) : ofLegacyServer(server.capabilities ?? {}),
    ...(server.instructions === undefined ? {} : { instructions: server.instructions }),
    _meta: { [SERVER_INFO]: server.serverInfo },
  };
}

/**
 * A legacy server's capabilities as a stateless client may rely on them. The agent lists anew after each restart and
 * tells of changes whether or not the server does. Its tasks are not those of the extension (SEP-2663).
 */
function ofLegacyServer({ tasks: _tasks, ...own }: Shape): Shape {
  const listed = ['tools', 'prompts', 'resources'].flatMap((kind) => {
    const capability = own[kind];
    return isShape(capability) ? [[kind, { ...capability, listChanged: true }] as const] : [];
  });
  const { [TASKS]: _extension, ...extensions } = isShape(own.extensions) ? own.extensions : {};
  return { ...own, ...Object.fromEntries(listed), ...(own.extensions === undefined ? {} : { extensions }) };
}

function hasTasks({ era, capabilities }: ServerView): boolean {
  return era === 'modern' && isShape(capabilities?.extensions) && isShape(capabilities.extensions[TASKS]);
}
