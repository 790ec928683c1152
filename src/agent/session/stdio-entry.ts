import type { Readable, Writable } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import type { AgentConfig } from '../../config/config.js';
import { appVersion } from '../../config/version.js';
import type { Logger } from '../../log/logger.js';
import { loginState } from '../credentials/login-state.js';
import { loginCommand } from './login-command.js';
import { Membership } from './membership.js';
import { type DaemonCommand, daemonCommand } from './spawn-daemon.js';
import { errorResult, restartResult, SESSION_TOOLS, statusResult } from './tools.js';

/** `status` waits this long for a daemon that is starting, then says how far it is. */
const JOIN_MS = 25_000;

export interface StdioEntryOptions {
  readonly signal: AbortSignal;
  /** Must not write to standard output: that is the MCP client's. */
  readonly logger: Logger;
  /** What `--config` was given, if anything; passed on to the daemon. */
  readonly configArgument?: string;
  /** Instead of this very program with `agent --daemon`. */
  readonly spawnSpec?: DaemonCommand;
  /** Default: this program's. */
  readonly version?: string;
  readonly stdin?: Readable;
  readonly stdout?: Writable;
}

/**
 * The agent as an MCP server entry of Claude Code, opencode or another client: a small MCP server that keeps one background
 * agent per profile alive and tells about it. Resolves soon after its input has ended, its output has broken, or `signal`
 * has aborted; the background agent is left to its other sessions.
 */
export async function runStdioEntry(config: AgentConfig, options: StdioEntryOptions): Promise<void> {
  const { logger, configArgument, version = appVersion(), stdin = process.stdin, stdout = process.stdout } = options;
  const command = options.spawnSpec ?? daemonCommand(config, configArgument);
  const ended = new AbortController();
  const end = () => ended.abort();
  options.signal.addEventListener('abort', end, { once: true });
  if (options.signal.aborted) end();
  for (const event of ['end', 'close', 'error']) stdin.once(event, end);
  // The client has gone without closing our input first.
  stdout.once('close', end);
  stdout.on('error', end);

  const membership = new Membership(config, { command, version, logger });
  const context = { version, loginCommand: await loginCommand(config, configArgument), signal: ended.signal };
  const server = createServer(config, membership, context);
  server.onclose = end;
  try {
    await server.connect(new StdioServerTransport(stdin, stdout));
    await membership.run(ended.signal);
  } finally {
    options.signal.removeEventListener('abort', end);
    await server.close();
    // An open input would keep this process, and with it the client's exit, waiting.
    stdin.destroy();
  }
}

interface EntryContext {
  readonly version: string;
  readonly loginCommand: string;
  readonly signal: AbortSignal;
}

function createServer(config: AgentConfig, membership: Membership, context: EntryContext): Server {
  const { version, signal } = context;
  const server = new Server(
    { name: 'mcp-local-tunnel', title: 'MCP local tunnel', version },
    { capabilities: { tools: {} }, instructions: instructions(config, context.loginCommand) },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: SESSION_TOOLS }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra): Promise<CallToolResult> => {
    const until = AbortSignal.any([signal, extra.signal]);
    if (params.name === 'status') return status(config, membership, context.loginCommand, until);
    if (params.name === 'restart') return restart(membership, params.arguments ?? {}, until);
    throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
  });
  return server;
}

async function status(
  config: AgentConfig,
  membership: Membership,
  command: string,
  signal: AbortSignal,
): Promise<CallToolResult> {
  const login = await loginState(config);
  const base = { relay: config.relay, name: config.name, login, loginCommand: command };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('The agent is still starting. Ask again in a moment.')), JOIN_MS);
  const stop = () => late.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const snapshot = await membership.ask(({ client }) => client.status(), late.signal);
    return statusResult({ ...base, snapshot });
  } catch (error) {
    return statusResult({
      ...base,
      snapshot: undefined,
      problem: error instanceof Error ? error.message : String(error),
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

async function restart(
  membership: Membership,
  { server }: Record<string, unknown>,
  signal: AbortSignal,
): Promise<CallToolResult> {
  if (server !== undefined && typeof server !== 'string') return errorResult('"server" must be the name of a server.');
  try {
    return restartResult(await membership.ask(({ client }) => client.restart(server), signal));
  } catch (error) {
    return errorResult(error);
  }
}

function instructions(config: AgentConfig, command: string): string {
  const enabled = Object.entries(config.servers).filter(([, { disabled }]) => !disabled);
  const names = enabled.map(([name]) => name);
  const offered = names.length === 0 ? 'its local MCP servers' : `these local MCP servers: ${names.join(', ')}`;
  return [
    `This machine ("${config.name}") offers ${offered} to remote MCP clients through the relay ${config.relay}.`,
    "This entry keeps that connection up while it runs. It does not offer those servers' tools here; `status` tells how the connection is and `restart` restarts the servers.",
    `When \`status\` says that a login is missing, the user must run this in a terminal: ${command}`,
  ].join('\n');
}
