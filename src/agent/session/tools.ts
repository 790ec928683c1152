import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { AgentSnapshot } from '../agent-types.js';
import type { LoginState } from '../credentials/login-state.js';
import type { ServerState } from '../servers/types.js';
import type { HolderKind } from './control-protocol.js';

const SERVERS_SCHEMA = {
  type: 'array' as const,
  items: {
    type: 'object' as const,
    properties: {
      name: { type: 'string' },
      status: { type: 'string', enum: ['starting', 'ready', 'failed', 'waiting', 'disabled', 'stopped'] },
      tools: { type: 'integer' },
      problem: { type: 'string' },
    },
    required: ['name', 'status', 'tools'],
  },
};

export const SESSION_TOOLS: Tool[] = [
  {
    name: 'status',
    title: 'Status of this device',
    description:
      'Whether this machine is connected to its relay, which local MCP servers it offers there, what is wrong, and what to do about it.',
    inputSchema: { type: 'object', properties: {}, additionalProperties: false },
    outputSchema: {
      type: 'object',
      properties: {
        online: { type: 'boolean' },
        relay: { type: 'string' },
        device: { type: 'string' },
        link: { type: 'string', enum: ['connecting', 'online', 'offline', 'refused', 'not_running'] },
        since: { type: 'string', format: 'date-time' },
        login: { type: 'string', enum: ['logged_in', 'login_expired', 'not_logged_in', 'unreadable'] },
        callsRunning: { type: 'integer' },
        servers: SERVERS_SCHEMA,
        problem: { type: 'string' },
        nextStep: { type: 'string' },
      },
      required: ['online', 'relay', 'link', 'login', 'servers'],
    },
    annotations: {
      title: 'Status of this device',
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    },
  },
  {
    name: 'restart',
    title: 'Restart local MCP servers',
    description:
      'Restarts one local MCP server of this machine, or all of them, and answers when they are back. Calls running on them are lost.',
    inputSchema: {
      type: 'object',
      properties: { server: { type: 'string', description: 'Name of the server; all of them when left out.' } },
      additionalProperties: false,
    },
    outputSchema: { type: 'object', properties: { servers: SERVERS_SCHEMA }, required: ['servers'] },
    annotations: {
      title: 'Restart local MCP servers',
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: true,
      openWorldHint: false,
    },
  },
];

export interface DeviceStatus {
  readonly relay: string;
  /** How this machine would call itself, until the relay says what it calls it. */
  readonly name: string;
  readonly login: LoginState;
  readonly loginCommand: string;
  /** Undefined when no agent runs; `problem` then says why. */
  readonly snapshot: AgentSnapshot | undefined;
  readonly kind?: HolderKind;
  readonly problem?: string;
}

/** Result of `status`: the same facts as text and as structured content, since clients show one or the other. */
export function statusResult(status: DeviceStatus): CallToolResult {
  const { relay, name, login, loginCommand, snapshot } = status;
  const problem = status.problem ?? snapshot?.problem ?? login.problem;
  const needsLogin = login.status === 'not_logged_in' || login.status === 'login_expired';
  const nextStep = needsLogin
    ? `Ask the user to run this in a terminal, and to log in in the browser: ${loginCommand}`
    : undefined;
  const online = snapshot?.link === 'online';
  const device = snapshot?.deviceName ?? name;
  const lines = [
    online
      ? `${device} is online at ${relay} since ${time(snapshot.since)}.`
      : `${device} is not online at ${relay}: ${snapshot === undefined ? 'no agent runs' : describeLink(snapshot)}.`,
    ...(snapshot?.servers.map(serverLine) ?? []),
    ...(problem === undefined ? [] : [`Problem: ${problem}`]),
    ...(nextStep === undefined ? [] : [nextStep]),
  ];
  return {
    content: [{ type: 'text', text: lines.join('\n') }],
    structuredContent: {
      online,
      relay,
      device,
      link: snapshot?.link ?? 'not_running',
      ...(snapshot === undefined ? {} : { since: time(snapshot.since), callsRunning: snapshot.callsRunning }),
      login: login.status,
      servers: snapshot?.servers.map(serverFacts) ?? [],
      ...(problem === undefined ? {} : { problem }),
      ...(nextStep === undefined ? {} : { nextStep }),
    },
  };
}

/** Result of `restart`: an error when a server did not come back. */
export function restartResult(servers: readonly ServerState[]): CallToolResult {
  const text = servers.length === 0 ? 'The config names no servers.' : servers.map(serverLine).join('\n');
  return {
    content: [{ type: 'text', text }],
    structuredContent: { servers: servers.map(serverFacts) },
    isError: servers.some(({ status }) => status === 'failed' || status === 'waiting'),
  };
}

export function errorResult(error: unknown): CallToolResult {
  return { content: [{ type: 'text', text: error instanceof Error ? error.message : String(error) }], isError: true };
}

function describeLink({ link, since }: AgentSnapshot): string {
  if (link === 'refused') return 'the relay refuses it';
  return `${link} since ${time(since)}`;
}

function serverLine({ name, status, tools, problem }: ServerState): string {
  const offer = status === 'ready' ? `, ${tools} ${tools === 1 ? 'tool' : 'tools'}` : '';
  return `- ${name}: ${status}${offer}${problem === undefined ? '' : ` (${problem})`}`;
}

function serverFacts({ name, status, tools, problem }: ServerState) {
  return { name, status, tools, ...(problem === undefined ? {} : { problem }) };
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
