import type { DeviceView, ServerView } from '../../devices/types.js';
import type { Shape } from '../json-rpc.js';
import { serverProblem } from './server-problem.js';
import type { ToolOutput } from './tool-output.js';

const HOW_TO_START =
  'No device is connected. On the machine with your MCP servers, write mcp-local-tunnel.config.json with ' +
  '{"mode":"agent","relay":"<this relay>","servers":{"<name>":{"command":["<program>","<argument>"]}}} ' +
  'and run: npx -y mcp-local-tunnel agent';

/** The result of the `status` tool: this user's devices and nobody else's. */
export function statusOutput(devices: readonly DeviceView[], omitted: number, version: string): ToolOutput {
  const sorted = devices.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lines = sorted.flatMap((device) => [deviceLine(device), ...device.servers.map(serverLine)]);
  if (sorted.length === 0) lines.push(HOW_TO_START);
  if (omitted > 0) lines.push(`${omitted} tools are over the limit for one user and not listed.`);
  return {
    text: lines.join('\n'),
    structured: {
      relay: { version },
      devices: sorted.map((device) => ({
        name: device.name,
        presence: device.presence,
        since: new Date(device.since).toISOString(),
        version: device.app.version,
        platform: device.app.platform,
        servers: device.servers.map(serverData),
      })),
      ...(omitted > 0 ? { toolsLeftOut: omitted } : {}),
      ...(sorted.length === 0 ? { nextStep: HOW_TO_START } : {}),
    },
  };
}

function deviceLine(device: DeviceView): string {
  const since = new Date(device.since).toISOString();
  const presence = device.presence === 'online' ? `online since ${since}` : `away since ${since}, may come back`;
  return `${device.name}: ${presence} (mcp-local-tunnel ${device.app.version}, ${device.app.platform})`;
}

function serverLine(server: ServerView): string {
  const version = serverVersion(server);
  const details = [
    `${server.tools.length} tools`,
    ...(version === undefined ? [] : [`version ${version}`]),
    ...(server.protocolVersion === undefined ? [] : [`MCP ${server.protocolVersion}`]),
  ];
  const problem = server.reason === undefined ? '' : `: ${serverProblem(server.reason)}`;
  return `  ${server.name}: ${server.status}, ${details.join(', ')}${problem}`;
}

function serverData(server: ServerView): Shape {
  const version = serverVersion(server);
  return {
    name: server.name,
    status: server.status,
    tools: server.tools.length,
    ...(version === undefined ? {} : { version }),
    ...(server.protocolVersion === undefined ? {} : { protocolVersion: server.protocolVersion }),
    ...(server.reason === undefined ? {} : { problem: serverProblem(server.reason) }),
  };
}

function serverVersion({ serverInfo }: ServerView): string | undefined {
  return typeof serverInfo?.version === 'string' ? serverInfo.version : undefined;
}
