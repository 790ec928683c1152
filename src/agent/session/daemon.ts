import type { Writable } from 'node:stream';
import type { AgentConfig } from '../../config/config.js';
import { appVersion } from '../../config/version.js';
import type { Logger } from '../../log/logger.js';
import type { Agent, CreateAgent } from '../agent-types.js';
import { createTokenSource } from '../credentials/token-source.js';
import { type DaemonLog, openDaemonLog } from './daemon-log.js';
import { acquireInstance, type Instance, InstanceHeldError } from './instance.js';
import { encodeStartReport, type StartReport } from './start-report.js';

const LINGER_MS = 10_000;

export interface DaemonOptions {
  /** Makes the logger that writes to the daemon's rotating log. */
  readonly logger: (destination: Writable) => Logger;
  readonly signal: AbortSignal;
  /** Default: the agent itself. */
  readonly createAgent?: CreateAgent;
  /** Default: this program's. */
  readonly version?: string;
  /** How long it lives without a session; default 10 s. */
  readonly lingerMs?: number;
}

/**
 * The agent in the background, for as long as an MCP client's session is connected to its control socket, and a little
 * longer. Tells its starter by one line on standard output (see start-report.ts) how the start went.
 * Resolves when the agent has ended, at once where another process runs the agent of this profile.
 */
export async function runDaemon(config: AgentConfig, options: DaemonOptions): Promise<void> {
  const { signal, version = appVersion(), lingerMs = LINGER_MS } = options;
  let instance: Instance;
  try {
    instance = await acquireInstance(config, { kind: 'daemon', version, signal });
  } catch (error) {
    if (!(error instanceof InstanceHeldError)) throw reportFailure(error);
    // A holder that does not answer has no pid, and there is nothing to join.
    report(error.pid === undefined ? { kind: 'failed', message: error.message } : { kind: 'held' });
    return;
  }
  const ended = new AbortController();
  const end = () => ended.abort();
  let linger: NodeJS.Timeout | undefined;
  let log: DaemonLog | undefined;
  let logger: Logger | undefined;
  if (signal.aborted || instance.stopRequested.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  instance.stopRequested.addEventListener('abort', end, { once: true });
  try {
    log = await openDaemonLog(config);
    logger = options.logger(log.stream);
    // Loaded only now: a daemon that found another one has ended above.
    const createAgent = options.createAgent ?? (await import('../agent.js')).createAgent;
    const credentials = createTokenSource(config);
    const agent = createAgent(config, { logger, browser: false, credentials, whenRefused: 'wait', version });
    instance.serve(agent);
    logger.info('daemon started', { pid: process.pid, version });
    report({ kind: 'ready' });
    instance.onSessions((count) => {
      clearTimeout(linger);
      if (count === 0) linger = setTimeout(end, lingerMs);
    });
    if (!ended.signal.aborted) await runOrExplain(agent, logger, ended.signal);
    logger.info('daemon ended', { pid: process.pid });
  } catch (error) {
    logger?.error('daemon failed', { error: error instanceof Error ? error.message : String(error) });
    throw reportFailure(error);
  } finally {
    clearTimeout(linger);
    signal.removeEventListener('abort', end);
    // After the agent: whoever waits for this socket to go may start the next agent at once.
    await instance.release();
    await log?.close();
  }
}

/**
 * Runs the agent. One that the relay refuses for good stays to tell so: ended, it would be started again by its sessions,
 * and two machines with one identity would throw each other off without end.
 */
async function runOrExplain(agent: Agent, logger: Logger, signal: AbortSignal): Promise<void> {
  try {
    await agent.run(signal);
  } catch (error) {
    if (agent.snapshot().link !== 'refused') throw error;
    logger.error('refused for good; waiting for the last session to end');
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
}

function reportFailure(error: unknown): unknown {
  report({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  return error;
}

/** The starter may have gone meanwhile, which is no reason to fail. */
function report(startReport: StartReport): void {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {});
  process.stdout.write(encodeStartReport(startReport));
}
