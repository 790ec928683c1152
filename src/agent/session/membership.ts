import { setTimeout as wait } from 'node:timers/promises';
import type { AgentConfig } from '../../config/config.js';
import { ControlError } from './control-protocol.js';
import { JoinError, type Joined, type JoinOptions, joinDaemon } from './join.js';

const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;
/** A daemon that lived this long was well; the next one that ends is replaced without waiting. */
const STABLE_MS = 10_000;
const STARTING_MS = 50;

/** This session's place at the agent of its profile, kept for as long as the session lives. */
export class Membership {
  readonly #config: AgentConfig;
  readonly #options: Omit<JoinOptions, 'again' | 'signal'>;
  #joined: Joined | undefined;
  #problem: string | undefined;
  #waiting = new Set<() => void>();

  constructor(config: AgentConfig, options: Omit<JoinOptions, 'again' | 'signal'>) {
    this.#config = config;
    this.#options = options;
  }

  /** Joins, and joins again whenever the daemon has gone, until `signal` aborts; then leaves and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    let failures = 0;
    let again = false;
    while (!signal.aborted) {
      const since = Date.now();
      try {
        const joined = await joinDaemon(this.#config, { ...this.#options, again, signal });
        again = true;
        this.#set(joined, undefined);
        logger.info('joined the agent', { pid: joined.holder.pid, kind: joined.holder.kind });
        // The end may have come while we joined: its event is over then, and would be waited for in vain.
        if (!signal.aborted) await untilGone(joined, signal);
        if (signal.aborted) break;
        logger.warn('the agent has gone; joining again', { pid: joined.holder.pid });
        this.#set(undefined, undefined);
        failures = Date.now() - since > STABLE_MS ? 0 : failures + 1;
      } catch (error) {
        if (signal.aborted) break;
        const message = error instanceof Error ? error.message : String(error);
        logger.error(message);
        this.#set(undefined, message);
        failures++;
      }
      const pause = failures === 0 ? 0 : Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** (failures - 1));
      await wait(pause, undefined, { signal }).catch(() => {});
    }
    this.#joined?.client.close();
  }

  /** The agent to ask. Waits for one that is starting. @throws JoinError, or the signal's reason */
  async joined(signal: AbortSignal): Promise<Joined> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#joined !== undefined) return this.#joined;
      if (this.#problem !== undefined) throw new JoinError(this.#problem);
      await this.#change(signal);
    }
  }

  /**
   * Asks the agent; once more where it went before it answered something harmless to ask twice. One whose socket is open
   * and whose servers are not yet made (`starting`) is asked again until it can tell.
   */
  async ask<T>(question: (joined: Joined) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let gone = false; ; ) {
      const joined = await this.joined(signal);
      try {
        return await question(joined);
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        if (error.code === 'starting') {
          await wait(STARTING_MS, undefined, { signal });
          continue;
        }
        if (error.code !== 'gone' || gone) throw error;
        gone = true;
        // run() may not have noticed yet, or may have joined another one already.
        if (this.#joined === joined) this.#joined = undefined;
      }
    }
  }

  #set(joined: Joined | undefined, problem: string | undefined): void {
    this.#joined = joined;
    this.#problem = problem;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

function untilGone({ client }: Joined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    client.closed.then(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
