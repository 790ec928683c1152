import type { Logger } from '../../log/logger.js';
import { afterClose, CloseCode } from '../../protocol/close-codes.js';
import type { Frame } from '../../protocol/frames.js';
import { FrameType, NO_ID } from '../../protocol/frames.js';
import type { Hello, Welcome } from '../../protocol/messages.js';
import type { LinkState } from '../agent-types.js';
import { CredentialError, type TokenSource } from '../credentials/types.js';
import { proxyAgentFor, saysAway } from '../network.js';
import { awayDelay, drainDelay, redialDelay, retryAfterDelay } from './backoff.js';
import { ClockJump } from './clock-jump.js';
import { Connection } from './connection.js';
import { DialError, dial } from './dial.js';
import { Pause } from './pause.js';
import { renewDelay, tokenExpiry } from './token-expiry.js';

/** A link that held this long starts its backoff anew. */
const STABLE_MS = 10_000;
/** How often a refused agent looks whether somebody has logged in again. */
const REFUSED_MS = 5_000;

export interface LinkOptions {
  readonly relay: string;
  readonly version: string;
  readonly credentials: TokenSource;
  readonly logger: Logger;
  /** `stop`: run() rejects with LinkRefused; `wait`: it waits for a new login. */
  readonly whenRefused: 'stop' | 'wait';
}

export interface LinkEvents {
  /** What hello says at this moment. */
  hello(): Hello;
  /** A link is up; runs before any frame behind the welcome. */
  online(connection: Connection, welcome: Welcome): void;
  frame(frame: Frame, connection: Connection): void;
  mark(connection: Connection): void;
  delivered(connection: Connection): void;
  offline(connection: Connection): void;
  /** The old link goes on until its calls are done; a new one is being dialled. */
  draining(connection: Connection): void;
  state(state: LinkState, problem?: string): void;
}

/** The relay will not have this agent and redialling does not help. `message` ends with the next step. */
export class LinkRefused extends Error {
  constructor(
    readonly code: 'login' | 'forbidden' | 'replaced' | 'version',
    message: string,
  ) {
    super(message);
  }
}

/** Keeps one link to the relay up: dials, greets, renews before the token ends, and dials again when it is lost. */
export class Link {
  readonly #connections = new Set<Connection>();
  readonly #pause = new Pause();
  #current: Connection | undefined;
  #attempt = 0;
  /** When the first try failed since a link was last up. */
  #failing: number | undefined;
  #stable: NodeJS.Timeout | undefined;
  #renew: NodeJS.Timeout | undefined;
  #after: 'redial' | 'refresh' | 'renew' = 'redial';
  #refreshed = false;
  #refusal: LinkRefused | undefined;

  constructor(
    private readonly options: LinkOptions,
    private readonly events: LinkEvents,
  ) {}

  /** The link calls and catalogs go out on now. */
  get current(): Connection | undefined {
    return this.#current;
  }

  /** Runs until `signal` aborts; says goodbye then. @throws LinkRefused with `whenRefused: 'stop'` */
  async run(signal: AbortSignal): Promise<void> {
    const jump = new ClockJump(() => this.#woke());
    const wake = (): void => this.#pause.end();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) await this.#round(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', wake);
      jump.stop();
      this.#clearTimers();
      this.#goodbye();
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    if (this.#current === undefined) this.events.state('connecting');
    try {
      await this.#connect(signal);
    } catch (error) {
      signal.throwIfAborted();
      await this.#failed(error, signal);
      return;
    }
    // Until the link is lost, drained, or its token is about to end.
    await this.#pause.forever();
    // Told to end: no pause before a redial that will not come.
    if (signal.aborted) return;
    if (this.#refusal !== undefined) await this.#refuse(this.#refusal, signal);
    else if (this.#after === 'redial') await this.#pause.for(redialDelay(this.#attempt++));
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { relay, version, credentials } = this.options;
    const token = await credentials.accessToken({ forceRefresh: this.#after === 'refresh', signal });
    const dialled = await dial({ relay, token, version, signal, proxy: await proxyAgentFor(relay) });
    const connection = new Connection(dialled, {
      frame: (frame, from) => this.events.frame(frame, from),
      mark: (from) => this.events.mark(from),
      delivered: (from) => this.events.delivered(from),
      drain: (afterMs, from) => this.#drain(afterMs, from),
      closed: (code, reason, from) => this.#closed(code, reason, from),
    });
    this.#connections.add(connection);
    await connection.greet(this.events.hello(), (welcome) => {
      const previous = this.#current;
      this.#current = connection;
      this.#after = 'redial';
      this.#refreshed = false;
      this.#failing = undefined;
      this.events.online(connection, welcome);
      // Make before break: the old link's calls have moved over.
      previous?.close();
      this.events.state('online');
    });
    this.#clearTimers();
    this.#stable = setTimeout(() => this.#anew(), STABLE_MS);
    const renewIn = renewDelay(tokenExpiry(token), Date.now());
    if (renewIn !== undefined) this.#renew = setTimeout(() => this.#next('renew'), renewIn);
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof CredentialError && error.code !== 'relay_unreachable') {
      return this.#refuse(new LinkRefused('login', error.message), signal);
    }
    if (error instanceof DialError && error.code === 'unauthorized') {
      if (!this.#refreshed) {
        this.#refreshed = true;
        this.#after = 'refresh';
        return;
      }
      return this.#refuse(new LinkRefused('login', `${error.message}: run \`mcp-local-tunnel login\``), signal);
    }
    if (error instanceof DialError && error.code === 'forbidden') {
      const next = 'ask whoever runs the relay, or log in as somebody else with `mcp-local-tunnel login`';
      return this.#refuse(new LinkRefused('forbidden', `${error.message}: ${next}`), signal);
    }
    if (this.#refusal !== undefined) return this.#refuse(this.#refusal, signal);
    const wait = this.#waitAfter(error);
    const problem = error instanceof Error ? error.message : String(error);
    if (this.#current === undefined) this.events.state('offline', `${problem}; trying again`);
    this.options.logger.debug('no link', { problem, wait });
    await this.#pause.for(wait);
  }

  #waitAfter(error: unknown): number {
    this.#failing ??= Date.now();
    if (error instanceof DialError && error.retryAfterSeconds !== undefined) {
      return retryAfterDelay(error.retryAfterSeconds);
    }
    // Counts no try: what comes after it, a relay that starts behind its proxy, is a new beginning.
    if (error instanceof DialError ? error.code === 'away' : saysAway(error)) {
      return awayDelay(Date.now() - this.#failing);
    }
    return redialDelay(this.#attempt++);
  }

  #anew(): void {
    this.#attempt = 0;
    this.#failing = undefined;
  }

  async #refuse(refusal: LinkRefused, signal: AbortSignal): Promise<void> {
    this.#refusal = undefined;
    this.#after = 'redial';
    this.#refreshed = false;
    this.events.state('refused', refusal.message);
    // A replaced agent that waited would throw the other one off again.
    if (this.options.whenRefused === 'stop' || refusal.code === 'replaced') throw refusal;
    await this.#pause.for(refusal.code === 'login' ? REFUSED_MS : REFUSED_MS * 12);
    signal.throwIfAborted();
  }

  #closed(code: number, reason: string, connection: Connection): void {
    this.#connections.delete(connection);
    this.events.offline(connection);
    if (this.#current !== connection) {
      // It never got as far as a welcome: greet() has rejected, and the code says whether to go on.
      if (this.#current === undefined) this.#judge(code, reason);
      return;
    }
    this.#current = undefined;
    this.#clearTimers();
    this.#judge(code, reason);
    this.events.state('offline', 'the link was lost; dialling again');
    this.#next(this.#after);
  }

  #judge(code: number, reason: string): void {
    const after = afterClose(code);
    if (after === 'refresh') {
      this.#after = 'refresh';
      this.#refreshed = true;
    }
    if (after !== 'stop') return;
    if (code === CloseCode.replaced) {
      this.#refusal = new LinkRefused(
        'replaced',
        'another agent with this config has taken over this device: stop it first, or give this one another config',
      );
    } else if (code === CloseCode.version) {
      this.#refusal = new LinkRefused(
        'version',
        `relay and agent do not fit together: update the older one (${reason})`,
      );
    } else {
      this.#refusal = new LinkRefused('forbidden', `the relay refused this device: ${reason || 'no reason given'}`);
    }
  }

  #drain(afterMs: number, connection: Connection): void {
    if (this.#current !== connection) return;
    this.#current = undefined;
    this.#clearTimers();
    this.events.draining(connection);
    this.events.state('connecting', 'the relay restarts');
    this.#after = 'renew';
    void this.#pause.endAfter(drainDelay(afterMs));
  }

  #next(after: 'redial' | 'refresh' | 'renew'): void {
    this.#after = after;
    this.#pause.end();
  }

  /** The machine slept: whatever the sockets say, the network under them is another one. */
  #woke(): void {
    this.options.logger.info('the clock jumped: dialling again');
    this.#anew();
    if (this.#current === undefined) this.#pause.end();
    for (const connection of this.#connections) connection.terminate();
  }

  #goodbye(): void {
    for (const connection of this.#connections) {
      connection.message(FrameType.goodbye, NO_ID, Buffer.alloc(0));
      connection.close();
    }
    this.#current = undefined;
  }

  #clearTimers(): void {
    clearTimeout(this.#stable);
    clearTimeout(this.#renew);
  }
}
