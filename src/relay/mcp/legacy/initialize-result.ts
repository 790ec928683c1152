import type { Devices, ServerView } from '../../devices/types.js';
import { relayInfo } from '../answers/relay-info.js';
import { serverProblem } from '../calls/server-problem.js';
import type { Endpoint, ServerEndpoint } from '../endpoint.js';
import { TASKS, UI } from '../extensions.js';
import { instructionsFor } from '../instructions.js';
import { isShape, type Shape } from '../json-rpc.js';
import { type LegacyVersion, since } from '../protocol-versions.js';
import { devicesAt, serverAt } from '../scope.js';
import { without } from './client-capabilities.js';

/** @returns the result of `initialize`, or, as text, why there is none yet */
export function initializeResult(
  devices: Devices,
  userId: string,
  endpoint: Endpoint,
  version: LegacyVersion,
  relayVersion: string,
): Shape | string {
  if (endpoint.kind === 'server') return serversOwn(devices, userId, endpoint, version);
  return {
    protocolVersion: version,
    // Of what any server may have, now or when it comes: they hold for the whole session.
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      ...(since(version, '2025-03-26') ? { completions: {} } : {}),
      logging: {},
      extensions: { [UI]: {} },
    },
    serverInfo: relayInfo(relayVersion, version),
    instructions: instructionsFor(devicesAt(devices, userId, endpoint), endpoint.kind),
  };
}

/** What the server said of itself when it was last ready: its capabilities hold for a whole session, so none are guessed. */
function serversOwn(
  devices: Devices,
  userId: string,
  endpoint: ServerEndpoint,
  version: LegacyVersion,
): Shape | string {
  const server = serverAt(devices, userId, endpoint)?.server;
  if (server?.serverInfo === undefined) return notReady(endpoint, server);
  return {
    protocolVersion: version,
    capabilities: carriedCapabilities(server, version),
    serverInfo: shapedInfo(server.serverInfo, version),
    ...(server.instructions === undefined ? {} : { instructions: server.instructions }),
  };
}

/** Why nothing is known of a server yet. */
export function notReady({ device, server: name }: ServerEndpoint, server: ServerView | undefined): string {
  const state = server === undefined ? 'not there' : server.status;
  const why = server?.reason === undefined ? '' : `: ${serverProblem(server.reason)}`;
  return `${name} on ${device} has not been ready yet, it is ${state}${why} (not dispatched: safe to retry)`;
}

const LISTED = new Set(['tools', 'prompts', 'resources']);
const AS_THEY_ARE = new Set(['completions', 'logging', 'experimental']);

/** Of a server's capabilities what goes through the tunnel, in its order. Those that are not known here are not promised. */
function carriedCapabilities(server: ServerView, version: LegacyVersion): Shape {
  // Those of 2025-11-25 mean nothing to a server or a client of another revision (SEP-2663).
  const tasksMatch = server.era !== 'modern' && server.protocolVersion === '2025-11-25' && version === '2025-11-25';
  const carried = Object.entries(server.capabilities ?? {}).flatMap(([name, capability]): [string, Shape][] => {
    if (!isShape(capability)) return [];
    // The agent lists anew after each restart, so changes are told whether or not the server tells them.
    if (LISTED.has(name)) return [[name, { ...capability, listChanged: true }]];
    if (name === 'extensions') return [[name, without(capability, TASKS)]];
    return AS_THEY_ARE.has(name) || (name === 'tasks' && tasksMatch) ? [[name, capability]] : [];
  });
  return Object.fromEntries(carried);
}

/** `title` came with 2025-06-18, the rest with 2025-11-25; members that no revision has stay. */
function shapedInfo(info: Shape, version: LegacyVersion): Shape {
  const later = since(version, '2025-11-25') ? [] : ['icons', 'websiteUrl', 'description'];
  return without(info, ...later, ...(since(version, '2025-06-18') ? [] : ['title']));
}
