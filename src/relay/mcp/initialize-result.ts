import type { Devices, ServerView } from '../devices/types.js';
import type { Endpoint, ServerEndpoint } from './endpoint.js';
import { instructionsFor } from './instructions.js';
import { isShape, type Shape } from './json-rpc.js';
import { type LegacyVersion, since } from './protocol-versions.js';
import { devicesAt, serverAt } from './scope.js';
import { serverProblem } from './server-problem.js';

/** The extension that is refused with the tasks of 2025-11-25: nothing carries a task's later answers. */
const TASKS = 'io.modelcontextprotocol/tasks';

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
    capabilities: { tools: { listChanged: true }, logging: {} },
    serverInfo: {
      name: 'mcp-local-tunnel',
      ...(since(version, '2025-06-18') ? { title: 'MCP Local Tunnel' } : {}),
      version: relayVersion,
    },
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
    capabilities: carriedCapabilities(server.capabilities ?? {}),
    serverInfo: server.serverInfo,
    ...(server.instructions === undefined ? {} : { instructions: server.instructions }),
  };
}

function notReady({ device, server: name }: ServerEndpoint, server: ServerView | undefined): string {
  const state = server === undefined ? 'not there' : server.status;
  const why = server?.reason === undefined ? '' : `: ${serverProblem(server.reason)}`;
  return `${name} on ${device} has not been ready yet, it is ${state}${why} (not dispatched: safe to retry)`;
}

/**
 * Of a server's capabilities what goes through the tunnel. Not yet: notifications that belong to no request but
 * `tools/list_changed`, hence no subscriptions; and tasks. Those that are not known here are not promised.
 */
function carriedCapabilities(own: Shape): Shape {
  const { tools, prompts, resources, completions, logging, experimental, extensions } = own;
  return {
    // The agent lists the tools anew after each restart, so changes are told whether or not the server tells them.
    ...(isShape(tools) ? { tools: { ...tools, listChanged: true } } : {}),
    ...(isShape(prompts) ? { prompts: without(prompts, 'listChanged') } : {}),
    ...(isShape(resources) ? { resources: without(resources, 'listChanged', 'subscribe') } : {}),
    ...(isShape(completions) ? { completions } : {}),
    ...(isShape(logging) ? { logging } : {}),
    ...(isShape(experimental) ? { experimental } : {}),
    ...(isShape(extensions) ? { extensions: without(extensions, TASKS) } : {}),
  };
}

function without(value: Shape, ...names: readonly string[]): Shape {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
