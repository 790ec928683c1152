import type { LocalServerConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import type { ServerOffer } from '../../protocol/messages.js';
import type { ServerReason } from '../../protocol/server-state.js';
import { restartDelay, STABLE_MS } from './backoff.js';
import type { CallSignal } from './call-signal.js';
import { type Clock, pause } from './clock.js';
import { Deferred, untilAborted } from './deferred.js';
import type { EraMemory } from './era/era-memory.js';
import { ServerConnection } from './era/server-connection.js';
import type { Hello } from './handshake.js';
import type { SessionWatch } from './legacy/session-watch.js';
import { resumedListen } from './modern/resumed-listen.js';
import { LISTEN } from './modern/subscriber.js';
import { problemText, readableInfo } from './problem-text.js';
import { ServerLists } from './server-lists.js';
import type { ServerSession } from './server-session.js';
import { SessionLostError, type Transport, type TransportEnd } from './transport.js';
import {
  type AskPolicy,
  type LocalServersEvents,
  type RequestContext,
  type RequestOutcome,
  ServerError,
  type ServerState,
  StartError,
} from './types.js';

/** From start to the first catalog: `npx` and `uvx` may have to download first. */
const STARTUP_MS = 60_000;

export interface LocalServerOptions {
  readonly name: string;
  readonly config: LocalServerConfig;
  readonly logger: Logger;
  readonly events: LocalServersEvents;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly clock: Clock;
  readonly random: () => number;
  readonly policy: AskPolicy;
  readonly watch: SessionWatch;
  /** Which era the server was found to speak. */
  readonly memory: EraMemory;
  /** A fresh way to the server; over HTTP each era has its own. */
  connect(era: 'legacy' | 'modern', signal: AbortSignal): Promise<Transport>;
}

interface Loop {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** One configured server: started, watched, started again for as long as the agent runs. */
export class LocalServer {
  #state: ServerState;
  #session: ServerSession | undefined;
  readonly #lists: ServerLists;
  #loop: Loop | undefined;
  #closed = false;
  #heldBack = false;
  #settling = new Deferred<ServerState>();

  constructor(private readonly options: LocalServerOptions) {
    const { name, config, clock, logger, events } = options;
    this.#lists = new ServerLists({
      logger,
      clock,
      onOffer: (offer) => events.catalog(name, offer),
      onRead: () => this.#set({ tools: this.#lists.tools }),
    });
    const kind = 'url' in config ? 'http' : 'stdio';
    this.#state = {
      name,
      kind,
      status: config.disabled ? 'disabled' : 'stopped',
      since: clock.now(),
      tools: 0,
      starts: 0,
    };
    if (config.disabled) this.#settling.resolve(this.#state);
  }

  get state(): ServerState {
    return this.#state;
  }

  /** The last offer; kept while a server that ended is on its way back, dropped when it does not come back. */
  get catalog(): ServerOffer | undefined {
    return this.#lists.offer;
  }

  /** The state in which the present start ended: ready or failed (or disabled). */
  get settled(): Promise<ServerState> {
    return this.#settling.promise;
  }

  start(): void {
    if (this.options.config.disabled || this.#loop || this.#closed) return;
    const stop = new AbortController();
    this.#loop = { stop, done: this.#supervise(stop.signal) };
  }

  /** Ends the server and starts it again, the count of failures forgotten. Resolves once it is ready or has failed. */
  async restart(): Promise<ServerState> {
    if (this.options.config.disabled) return this.#state;
    const loop = this.#loop;
    if (loop && !loop.stop.signal.aborted) {
      this.#unsettle();
      loop.stop.abort();
      await loop.done;
      // Another restart, or the end of the agent, may have come first; this.#loop tells.
      if (this.#loop === loop) this.#loop = undefined;
    }
    this.start();
    return this.settled;
  }

  async stop(): Promise<void> {
    this.#closed = true;
    this.#loop?.stop.abort();
    await this.#loop?.done;
    if (this.#state.status !== 'disabled') this.#set({ status: 'stopped' });
    this.#lists.drop();
    this.#settling.resolve(this.#state);
  }

  /** See LocalServers. One that starts is read until it is ready. */
  holdBack(held: boolean): void {
    this.#heldBack = held;
    if (held) this.#session?.pause();
    else this.#session?.resume();
  }

  /** @throws ServerError, or the signal's reason; or rejects with them */
  request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    this.#lists.lookForUnknownTool(method, params);
    if (method === LISTEN && context.lasting) {
      const send = (session: ServerSession, of: RequestContext) => session.request(method, params, of);
      const ready = () => this.#nextReady(context.signal);
      return resumedListen(send, ready, params, context, this.options.clock, () => this.#closed);
    }
    if (this.#state.kind === 'stdio') return this.#ready().request(method, params, context);
    return this.#overHttp((session) => session.request(method, params, context), context.signal);
  }

  async #overHttp(
    send: (session: ServerSession) => Promise<RequestOutcome>,
    signal: CallSignal,
  ): Promise<RequestOutcome> {
    try {
      return await send(this.#ready());
    } catch (error) {
      if (!(error instanceof SessionLostError)) throw error;
      // The server did nothing but forget our session (HTTP 404): once more, on the new one.
      return send(await this.#nextReady(signal));
    }
  }

  /** @throws ServerError */
  async notify(method: string, params: Uint8Array): Promise<void> {
    await this.#ready().notify(method, params);
  }

  async #nextReady(signal: CallSignal): Promise<ServerSession> {
    await untilAborted(this.settled, signal);
    return this.#ready();
  }

  #ready(): ServerSession {
    if (this.#session) return this.#session;
    throw new ServerError('not_ready', `server "${this.options.name}" is not ready (${this.#state.status})`, false);
  }

  async #supervise(stop: AbortSignal): Promise<void> {
    const { clock, random } = this.options;
    let failures = 0;
    while (!stop.aborted) {
      this.#unsettle();
      this.#set({ status: 'starting', starts: this.#state.starts + 1, retryAt: undefined, protocolVersion: undefined });
      const run = await this.#run(stop);
      if (stop.aborted) break;
      if (run.readyMs !== undefined && run.readyMs >= STABLE_MS) failures = 0;
      if (run.end.sessionLost && failures === 0) {
        failures += 1;
        continue;
      }
      const delay = restartDelay(failures, random());
      failures += 1;
      this.#set({ status: 'waiting', retryAt: clock.now() + delay });
      await pause(clock, delay, stop);
    }
  }

  /** One life of the server, from its start to its end. */
  async #run(stop: AbortSignal): Promise<{ readonly end: TransportEnd; readonly readyMs?: number }> {
    const { clock } = this.options;
    const startup = new AbortController();
    const callOff = clock.after(STARTUP_MS, () =>
      startup.abort(new StartError('no_answer', `was not ready within ${STARTUP_MS / 1000} s`)),
    );
    const ended = new Deferred<TransportEnd>();
    const signal = AbortSignal.any([stop, startup.signal]);
    const connection = this.#newConnection(ended.resolve);
    let readyAt: number | undefined;
    try {
      const { session, hello } = await connection.open(signal);
      await this.#lists.follow(session, hello, signal);
      callOff();
      readyAt = clock.now();
      this.#becomeReady(session, hello);
      await untilAborted(ended.promise, stop);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      // Else it has answered, and not as MCP has it: a transport's end came first where there was one.
      const reason = error instanceof StartError ? error.reason : 'bad_protocol';
      ended.resolve({ reason, problem, sessionLost: false });
    }
    callOff();
    this.#session = undefined;
    this.#lists.stop();
    this.options.watch.ended();
    const end = await ended.promise;
    const problem = problemText(end.problem, connection.strayLines, connection.lastWords());
    const quiet = stop.aborted || (end.sessionLost && readyAt !== undefined);
    if (!quiet) this.#fail(end.reason, problem, readyAt !== undefined);
    else if (!this.#closed) this.#set({ status: 'starting' }); // its end may take a while, and it is no longer ready
    await connection.close();
    return { end, ...(readyAt === undefined ? {} : { readyMs: clock.now() - readyAt }) };
  }

  #newConnection(ended: (end: TransportEnd) => void): ServerConnection {
    const { watch } = this.options;
    return new ServerConnection({
      ...this.options,
      onEnd: (end) => {
        // At once, so that whoever hears of a lost request finds the server not ready.
        if (this.#session) this.#unsettle();
        this.#session = undefined;
        ended(end);
      },
      events: {
        onListChanged: (kind) => this.#lists.changed(kind),
        onNotification: (method, params) => watch.onNotification(method, params),
      },
      onUrlElicitation: (id, client) => watch.onUrlElicitation(id, client),
    });
  }

  #becomeReady(session: ServerSession, hello: Hello): void {
    this.#session = session;
    if (this.#heldBack) session.pause();
    this.#set({
      status: 'ready',
      protocolVersion: hello.protocolVersion,
      serverInfo: readableInfo(hello.serverInfo),
      tools: this.#lists.tools,
      problem: undefined,
      reason: undefined,
    });
    this.options.watch.ready(session, hello.capabilities);
    this.#settling.resolve(this.#state);
  }

  #fail(reason: ServerReason, problem: string, wasReady: boolean): void {
    // After an end the tools stay listed while the server comes back; a start that fails takes them off.
    if (!wasReady) this.#lists.drop();
    this.#set({
      status: 'failed',
      reason,
      problem,
      tools: this.#lists.tools,
      protocolVersion: undefined,
    });
    this.#settling.resolve(this.#state);
  }

  #unsettle(): void {
    if (this.#settling.settled) this.#settling = new Deferred();
  }

  #set(change: Partial<ServerState>): void {
    const moved = change.status !== undefined && change.status !== this.#state.status;
    this.#state = { ...this.#state, ...change, ...(moved ? { since: this.options.clock.now() } : {}) };
    this.options.events.state(this.#state);
  }
}
