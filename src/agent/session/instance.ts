import { rm } from 'node:fs/promises';
import type { AgentConfig } from '../../config/config.js';
import { ensureStateDirs } from '../../config/paths.js';
import { appVersion } from '../../config/version.js';
import type { Agent } from '../agent-types.js';
import { withFileLock } from '../credentials/file-lock.js';
import { configHash } from './config-hash.js';
import { ensureControlAddress } from './control-address.js';
import { type ControlClient, connectControl } from './control-client.js';
import { CONTROL_PROTOCOL, ControlError, type HolderKind } from './control-protocol.js';
import { ControlServer } from './control-server.js';

/** Another process runs the agent of this profile. The message says which and what to do. */
export class InstanceHeldError extends Error {
  override readonly name = 'InstanceHeldError';
  constructor(
    /** Undefined when the holder does not answer. */
    readonly pid: number | undefined,
    readonly kind: HolderKind | undefined,
  ) {
    super(heldMessage(pid, kind));
  }
}

/** The right to be the one agent of this profile on this machine, held as the listening control socket. */
export interface Instance {
  /** Aborts when another process asks this daemon to end (a foreground agent is never asked). */
  readonly stopRequested: AbortSignal;
  /** From here on `status` and `restart` are answered by this agent. */
  serve(agent: Agent): void;
  /** Calls `listener` with the number of connected sessions, now and at each change. */
  onSessions(listener: (count: number) => void): void;
  /** Gives the right up. The agent must have ended. */
  release(): Promise<void>;
}

export interface InstanceOptions {
  /** Default `foreground`. */
  readonly kind?: HolderKind;
  /** Default: this program's. */
  readonly version?: string;
  readonly signal?: AbortSignal;
}

/**
 * Makes this process the one agent of its profile and opens the control socket. The socket of a holder that was killed is
 * taken over at once: it refuses connections, so no pid has to be trusted.
 * @throws InstanceHeldError, PrivatePathError, or the signal's reason
 */
export async function acquireInstance(config: AgentConfig, options: InstanceOptions = {}): Promise<Instance> {
  const { kind = 'foreground', version = appVersion(), signal = new AbortController().signal } = options;
  const { lock } = await ensureStateDirs(config);
  const address = await ensureControlAddress(config);
  const hash = configHash(config);
  const stop = new AbortController();
  let agent: Agent | undefined;
  let count = 0;
  const listeners: ((count: number) => void)[] = [];

  const running = () => {
    if (agent === undefined) throw new ControlError('starting', 'The agent is starting.');
    return agent;
  };
  const server = new ControlServer({
    info: () => ({
      protocol: CONTROL_PROTOCOL,
      version,
      configHash: hash,
      pid: process.pid,
      kind,
      stopping: stop.signal.aborted,
    }),
    snapshot: () => running().snapshot(),
    restart: (name, until) => running().restart(name, until),
    stop() {
      if (kind === 'foreground') {
        throw new ControlError(
          'refused',
          `The agent runs in a terminal (pid ${process.pid}). End it there with Ctrl-C.`,
        );
      }
      stop.abort();
    },
    sessions(now) {
      count = now;
      for (const listener of listeners) listener(now);
    },
  });
  // Two that find a dead socket at once must not remove each other's new one.
  await withFileLock(`${lock}-start`, signal, async () => {
    await refuseIfHeld(config);
    if (process.platform !== 'win32') await rm(address, { force: true });
    await server.listen(address);
  });
  return {
    stopRequested: stop.signal,
    serve(started) {
      agent = started;
    },
    onSessions(listener) {
      listeners.push(listener);
      listener(count);
    },
    release: () => server.close(),
  };
}

async function refuseIfHeld(config: AgentConfig): Promise<void> {
  const client = await connectControl(config);
  if (client === undefined) return;
  try {
    await refuseHolder(client);
  } finally {
    client.close();
  }
}

async function refuseHolder(client: ControlClient): Promise<void> {
  try {
    const { pid, kind } = await client.hello('visitor');
    throw new InstanceHeldError(pid, kind);
  } catch (error) {
    if (error instanceof ControlError && error.code === 'gone') return;
    if (error instanceof ControlError) throw new InstanceHeldError(undefined, undefined);
    throw error;
  }
}

function heldMessage(pid: number | undefined, kind: HolderKind | undefined): string {
  if (pid === undefined) {
    return 'Another agent of this config runs and does not answer. End the process "mcp-local-tunnel agent" and try again.';
  }
  if (kind === 'foreground') {
    return `The agent of this config runs already (pid ${pid}). Use that one, or end it and try again: kill ${pid}`;
  }
  return `The agent of this config runs already in the background (pid ${pid}), started by an MCP client. It ends shortly after its last client; to run it here, close those clients and run: kill ${pid}`;
}
