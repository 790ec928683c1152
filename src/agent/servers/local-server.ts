import type { LocalServerConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { printable } from '../../log/printable.js';
import { memberSpan } from '../../protocol/json-spans.js';
import type { ServerOffer } from '../../protocol/messages.js';
import type { ServerReason } from '../../protocol/server-state.js';
import { restartDelay, STABLE_MS } from './backoff.js';
import { CatalogRefresh, readCatalog, sameCatalog } from './catalog.js';
import { type Clock, pause } from './clock.js';
import { Deferred, untilAborted } from './deferred.js';
import type { Hello } from './handshake.js';
import { isRecord } from './messages.js';
import { Session } from './session.js';
import { SessionLostError, type Transport, type TransportEnd } from './transport.js';
import {
  type LocalServersEvents,
  type RequestContext,
  type RequestOutcome,
  ServerError,
  type ServerState,
  StartError,
} from './types.js';

/** From start to the first catalog: `npx` and `uvx` may have to download first. */
const STARTUP_MS = 60_000;
const RELIST_MS = 60_000;
/** A server that cannot announce changes is asked again for a tool it did not list, at most this often. */
const UNKNOWN_TOOL_MS = 5_000;

export interface LocalServerOptions {
  readonly name: string;
  readonly config: LocalServerConfig;
  readonly logger: Logger;
  readonly events: LocalServersEvents;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly clock: Clock;
  readonly random: () => number;
  /** A fresh way to the server for each start. */
  connect(signal: AbortSignal): Promise<Transport>;
}

interface Loop {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** One configured server: started, watched, started again for as long as the agent runs. */
export class LocalServer {
  #state: ServerState;
  #catalog: ServerOffer | undefined;
  #session: Session | undefined;
  #refresh: CatalogRefresh | undefined;
  #listedAt = 0;
  #loop: Loop | undefined;
  #closed = false;
  #settling = new Deferred<ServerState>();

  constructor(private readonly options: LocalServerOptions) {
    const { name, config, clock } = options;
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
    return this.#catalog;
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
    this.#setCatalog(undefined);
    this.#settling.resolve(this.#state);
  }

  /** @throws ServerError, or the signal's reason */
  async request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    this.#lookForUnknownTool(method, params);
    try {
      return await this.#ready().request(method, params, context);
    } catch (error) {
      if (!(error instanceof SessionLostError)) throw error;
      // The server did nothing but forget our session (HTTP 404): once more, on the new one.
      await untilAborted(this.settled, context.signal);
      return this.#ready().request(method, params, context);
    }
  }

  /** @throws ServerError */
  async notify(method: string, params: Uint8Array): Promise<void> {
    await this.#ready().notify(method, params);
  }

  #ready(): Session {
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
    let transport: Transport | undefined;
    let session: Session | undefined;
    let readyAt: number | undefined;
    try {
      transport = await untilAborted(this.options.connect(signal), signal);
      session = this.#newSession(transport, ended.resolve);
      const hello = await untilAborted(session.open(signal), signal);
      // Before the first list, so that a change announced while it is read is not missed.
      this.#refresh = this.#newRefresh(session, hello);
      await this.#list(session, hello, signal);
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
    this.#refresh?.stop();
    const end = await ended.promise;
    const problem = problemText(end.problem, session?.strayLines ?? 0, transport?.lastWords() ?? []);
    const quiet = stop.aborted || (end.sessionLost && readyAt !== undefined);
    if (!quiet) this.#fail(end.reason, problem, readyAt !== undefined);
    else if (!this.#closed) this.#set({ status: 'starting' }); // its end may take a while, and it is no longer ready
    await (session?.close() ?? transport?.close());
    return { end, ...(readyAt === undefined ? {} : { readyMs: clock.now() - readyAt }) };
  }

  #newSession(transport: Transport, ended: (end: TransportEnd) => void): Session {
    const { clientInfo, logger, clock, config } = this.options;
    return new Session({
      transport,
      clientInfo,
      logger,
      clock,
      ...(config.timeout === undefined ? {} : { timeoutMs: config.timeout * 1000 }),
      onEnd: (end) => {
        // At once, so that whoever hears of a lost request finds the server not ready.
        if (this.#session) this.#unsettle();
        this.#session = undefined;
        ended(end);
      },
      onToolsChanged: () => this.#refresh?.ask(),
    });
  }

  #newRefresh(session: Session, hello: Hello): CatalogRefresh {
    const { clock, logger } = this.options;
    return new CatalogRefresh(clock, async () => {
      try {
        await this.#list(session, hello, AbortSignal.timeout(RELIST_MS));
        this.#set({ tools: this.#catalog?.tools.length ?? 0 });
      } catch (error) {
        // The old list stands until the next change, or until the server's end tells more.
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn('could not read the changed list of tools', { reason });
      }
    });
  }

  #becomeReady(session: Session, hello: Hello): void {
    this.#session = session;
    this.#set({
      status: 'ready',
      protocolVersion: hello.protocolVersion,
      serverInfo: readableInfo(hello.serverInfo),
      tools: this.#catalog?.tools.length ?? 0,
      problem: undefined,
      reason: undefined,
    });
    this.#settling.resolve(this.#state);
  }

  async #list(session: Session, hello: Hello, signal: AbortSignal): Promise<void> {
    const query = session.query.bind(session);
    this.#setCatalog(await readCatalog(hello, query, this.options.logger, signal));
    this.#listedAt = this.options.clock.now();
  }

  #fail(reason: ServerReason, problem: string, wasReady: boolean): void {
    // After an end the tools stay listed while the server comes back; a start that fails takes them off.
    if (!wasReady) this.#setCatalog(undefined);
    this.#set({
      status: 'failed',
      reason,
      problem,
      tools: this.#catalog?.tools.length ?? 0,
      protocolVersion: undefined,
    });
    this.#settling.resolve(this.#state);
  }

  #lookForUnknownTool(method: string, params: Uint8Array): void {
    const tools = this.#catalog?.capabilities.tools;
    if (method !== 'tools/call' || !isRecord(tools) || tools.listChanged === true) return;
    if (this.options.clock.now() - this.#listedAt < UNKNOWN_TOOL_MS) return;
    const span = memberSpan(params, 0, params.length, 'name');
    const name: unknown = span && JSON.parse(new TextDecoder().decode(params.subarray(...span)));
    if (typeof name !== 'string' || this.#catalog?.tools.some((tool) => tool.name === name)) return;
    this.#refresh?.ask();
  }

  #unsettle(): void {
    if (this.#settling.settled) this.#settling = new Deferred();
  }

  #setCatalog(catalog: ServerOffer | undefined): void {
    if (sameCatalog(this.#catalog, catalog)) return;
    this.#catalog = catalog;
    this.options.events.catalog(this.options.name, catalog);
  }

  #set(change: Partial<ServerState>): void {
    const moved = change.status !== undefined && change.status !== this.#state.status;
    this.#state = { ...this.#state, ...change, ...(moved ? { since: this.options.clock.now() } : {}) };
    this.options.events.state(this.#state);
  }
}

/** `serverInfo` with a name and a version only where they are texts. */
function readableInfo({ name, version, ...rest }: Readonly<Record<string, unknown>>): ServerState['serverInfo'] {
  return {
    ...rest,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
  };
}

function problemText(problem: string, strayLines: number, lastWords: readonly string[]): string {
  const stray = strayLines > 0 ? `; it wrote ${strayLines} lines to stdout that are not MCP` : '';
  return [printable(problem) + stray, ...lastWords.map((line) => `  ${line}`)].join('\n');
}
