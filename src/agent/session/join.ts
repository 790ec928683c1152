import { setTimeout as wait } from 'node:timers/promises';
import type { AgentConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { configHash } from './config-hash.js';
import { type ControlClient, connectControl } from './control-client.js';
import type { HolderInfo } from './control-protocol.js';
import { type DaemonCommand, spawnDaemon } from './spawn-daemon.js';

/** A daemon that was told to end lets running calls go first; past this it is taken for stuck. */
const STOP_MS = 20_000;
/** A daemon that went while we were connected is most likely being replaced: its successor gets this long to appear. */
const SUCCESSOR_MS = 2_000;
const POLL_MS = 100;
const REPLACEMENTS = 3;
const STARTS = 5;

/** No daemon could be started or joined. The message says why, with the next step. */
export class JoinError extends Error {
  override readonly name = 'JoinError';
}

export interface Joined {
  readonly client: ControlClient;
  readonly holder: HolderInfo;
}

export interface JoinOptions {
  readonly command: DaemonCommand;
  readonly version: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /**
   * True once this session has had a daemon. It then takes whichever runs: a session that insisted on the config it once
   * read would fight with a newer one over the daemon for ever.
   */
  readonly again: boolean;
}

/**
 * Connects this session to the agent of its profile: the one that runs, or a daemon started for it. A daemon of another
 * config or version is replaced; a foreground agent never is. Concurrent callers end up at the same one.
 * @throws JoinError, PrivatePathError, or the signal's reason
 */
export async function joinDaemon(config: AgentConfig, options: JoinOptions): Promise<Joined> {
  const { signal, again } = options;
  const found = await findSuccessor(config, again ? SUCCESSOR_MS : 0, signal);
  let replacements = again ? 0 : REPLACEMENTS;
  let client = found;
  for (let starts = 0; ; ) {
    if (client !== undefined) {
      const holder = await greet(client, signal);
      const outdated = holder !== undefined && isOutdated(holder, config, options.version);
      if (holder !== undefined && !holder.stopping && !(outdated && replacements > 0)) return { client, holder };
      if (outdated && !holder.stopping) {
        replacements--;
        options.logger.info('replacing a background agent of another config or version', { pid: holder.pid });
        await client.stop().catch(() => {});
      }
      await untilClosed(client, holder, signal);
    }
    client = await connectControl(config);
    if (client !== undefined) continue;
    if (starts === STARTS)
      throw new JoinError('The background agent ends as soon as it has started. Run: mcp-local-tunnel agent');
    starts++;
    await start(config, options);
    client = await connectControl(config);
  }
}

async function start(config: AgentConfig, { command, signal, logger }: JoinOptions): Promise<void> {
  const report = await spawnDaemon(config, command, signal);
  logger.debug('started a background agent', { outcome: report.kind });
  if (report.kind === 'failed') {
    throw new JoinError(
      `The background agent did not start: ${report.message}\nTo see more, run: mcp-local-tunnel agent`,
    );
  }
}

async function findSuccessor(
  config: AgentConfig,
  withinMs: number,
  signal: AbortSignal,
): Promise<ControlClient | undefined> {
  const until = Date.now() + withinMs;
  for (;;) {
    const client = await connectControl(config);
    if (client !== undefined || Date.now() >= until) return client;
    await wait(POLL_MS, undefined, { signal });
  }
}

/** @returns undefined when it went before it answered. @throws JoinError when it does not answer */
async function greet(client: ControlClient, signal: AbortSignal): Promise<HolderInfo | undefined> {
  try {
    signal.throwIfAborted();
    return await client.hello('session');
  } catch (error) {
    client.close();
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'gone') return undefined;
    throw new JoinError(
      'The background agent does not answer. End the process "mcp-local-tunnel agent" and try again.',
    );
  }
}

function isOutdated(holder: HolderInfo, config: AgentConfig, version: string): boolean {
  return holder.kind === 'daemon' && (holder.version !== version || holder.configHash !== configHash(config));
}

async function untilClosed(client: ControlClient, holder: HolderInfo | undefined, signal: AbortSignal): Promise<void> {
  const timer = new AbortController();
  const stop = () => timer.abort();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const closed = client.closed.then(() => true);
    const late = wait(STOP_MS, false, { signal: timer.signal }).catch(() => false);
    if (await Promise.race([closed, late])) return;
    signal.throwIfAborted();
    const who = holder === undefined ? 'The background agent' : `The background agent (pid ${holder.pid})`;
    throw new JoinError(
      `${who} of an earlier config does not end. End it by hand${holder ? `: kill ${holder.pid}` : ''}`,
    );
  } finally {
    timer.abort();
    signal.removeEventListener('abort', stop);
    client.close();
  }
}
