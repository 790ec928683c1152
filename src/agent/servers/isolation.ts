import type { Logger } from '../../log/logger.js';
import type { CallSignal } from './call-signal.js';
import type { Clock } from './clock.js';
import { untilAborted } from './deferred.js';
import { type ServerHeld, sumOfHeld } from './server-memory.js';
import type { ServerUnit } from './server-unit.js';
import { ServerError } from './types.js';

/** Processes of one server for single clients. */
const MAX_CLIENTS = 16;

interface ClientUnit {
  readonly unit: ServerUnit;
  /** Requests and listens on it now. */
  uses: number;
  /** Calls off its end. */
  callOff: () => void;
}

export interface ClientUnitsOptions {
  readonly name: string;
  /** It ends when it had neither request nor listen for this long. */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  make(): ServerUnit;
}

/** A server that runs once for each client session (`isolation: "client"`): nothing of one's state can reach another. */
export class ClientUnits {
  readonly #bySession = new Map<string, ClientUnit>();
  readonly #ending = new Set<Promise<void>>();
  #closed = false;
  #heldBack = false;

  constructor(private readonly options: ClientUnitsOptions) {}

  /**
   * Runs some work on the session's own server, which is started by the first.
   * @throws ServerError not_ready when there are too many, or what `work` throws
   */
  async use<T>(session: string, signal: CallSignal, work: (unit: ServerUnit) => Promise<T>): Promise<T> {
    const entry = this.#bySession.get(session) ?? this.#start(session);
    entry.uses += 1;
    entry.callOff();
    try {
      await untilAborted(entry.unit.settled, signal);
      return await work(entry.unit);
    } finally {
      entry.uses -= 1;
      if (entry.uses === 0) this.#waitIdle(session, entry);
    }
  }

  async restart(): Promise<void> {
    await Promise.all([...this.#bySession.values()].map(({ unit }) => unit.restart()));
  }

  /** Of each session's process. */
  held(): ServerHeld[] {
    return [...this.#bySession.values()].map(({ unit }) => unit.held);
  }

  heldFor(session: string): ServerHeld {
    return this.#bySession.get(session)?.unit.held ?? sumOfHeld([]);
  }

  /** See LocalServers. */
  holdBack(held: boolean): void {
    this.#heldBack = held;
    for (const { unit } of this.#bySession.values()) unit.holdBack(held);
  }

  /** The session is over, and with it all that was for it alone. */
  endSession(session: string): void {
    const entry = this.#bySession.get(session);
    if (!entry) return;
    this.#bySession.delete(session);
    entry.callOff();
    const ending = entry.unit.stop().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const session of [...this.#bySession.keys()]) this.endSession(session);
    await Promise.all(this.#ending);
  }

  #start(session: string): ClientUnit {
    const { name, logger, make } = this.options;
    if (this.#closed) throw new ServerError('not_ready', `server "${name}" is not ready (stopped)`, false);
    if (this.#bySession.size >= MAX_CLIENTS) {
      const message = `server "${name}" already runs once for each of ${MAX_CLIENTS} client sessions (isolation): end one of them, or lower isolationIdleSeconds`;
      throw new ServerError('not_ready', message, false);
    }
    const entry: ClientUnit = { unit: make(), uses: 0, callOff: () => {} };
    this.#bySession.set(session, entry);
    logger.info('started for one client session', { running: this.#bySession.size });
    entry.unit.holdBack(this.#heldBack);
    entry.unit.start();
    return entry;
  }

  #waitIdle(session: string, entry: ClientUnit): void {
    if (this.#bySession.get(session) !== entry) return;
    entry.callOff = this.options.clock.after(this.options.idleMs, () => this.endSession(session));
  }
}
