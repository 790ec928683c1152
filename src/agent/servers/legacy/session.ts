import { Buffer, isUtf8 } from 'node:buffer';
import type { Logger } from '../../../log/logger.js';
import type { CallClient } from '../../../protocol/call-messages.js';
import type { CallSignal } from '../call-signal.js';
import { type Clock, pause } from '../clock.js';
import { type Hello, initializeParams, readHello } from '../handshake.js';
import { type Incoming, isRecord, notificationMessage, readMessages, requestMessage } from '../messages.js';
import { clientNotification, taskOf, urlElicitations } from '../passed-through.js';
import { QueryError, type ServerSession, type ServerSessionEvents } from '../server-session.js';
import type { Transport, TransportEnd } from '../transport.js';
import { type AskPolicy, type RequestContext, type RequestOutcome, ServerError, StartError } from '../types.js';
import { ServerAsks } from './asks.js';
import { legacyCapabilities } from './legacy-capabilities.js';
import { changedList } from './listen-request.js';
import { SharedLogLevel } from './log-level.js';
import { PendingRequests } from './pending-requests.js';

const INVALID_PARAMS = -32602;
/** A request waits so long for the log level it wants. */
const LOG_LEVEL_MS = 1_000;

/** Never about the request they happen to come with. */
const OUTSIDE = new Set(['notifications/resources/updated', 'notifications/elicitation/complete']);

export interface SessionOptions extends ServerSessionEvents {
  readonly transport: Transport;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long a client's request may stay without an answer or progress. */
  readonly timeoutMs?: number;
  readonly policy: AskPolicy;
  /** The server is gone. Told once, before the requests in flight fail; not after `close`. */
  onEnd(end: TransportEnd): void;
  /** This client was told to open a URL: the server's word that this is done is for it alone. */
  onUrlElicitation(elicitationId: string, client: CallClient): void;
}

/**
 * One MCP session of the legacy era (`initialize`, 2024-11-05 to 2025-11-25) with a local server: this hop's own ids and
 * progress tokens. The modern era (2026-07-28) is another class with the same methods: no `initialize`, an envelope on
 * every request; which one a server gets is decided in `era/`.
 */
export class Session implements ServerSession {
  readonly era = 'legacy';
  readonly #pending: PendingRequests;
  readonly #asks: ServerAsks;
  readonly #logLevel: SharedLogLevel;
  #logs = false;
  #nextId = 1;
  #open = true;
  #strayLines = 0;

  constructor(private readonly options: SessionOptions) {
    const { clock, policy, logger, onUrlElicitation } = options;
    this.#pending = new PendingRequests(clock);
    const send = (json: Buffer) => void this.#send(json);
    this.#asks = new ServerAsks({ policy, logger, pending: this.#pending, send, onUrlElicitation });
    this.#logLevel = new SharedLogLevel((level) => this.#setLogLevel(level));
  }

  /** Starts the transport and shakes hands (MCP 2025-11-25 basic/lifecycle). @throws Error for the machine's owner, or the signal's reason */
  async open(signal: AbortSignal): Promise<Hello> {
    const { transport, clientInfo, policy } = this.options;
    await transport.start(
      {
        message: (json, request) => this.#onMessage(json, request),
        failed: (request, error) => this.#onFailed(request, error),
        ended: (end) => this.#end(end),
        room: (request) => this.#pending.room(request),
      },
      signal,
    );
    const params = initializeParams(clientInfo, legacyCapabilities(policy));
    const hello = readHello(await this.query('initialize', params, signal));
    this.#logs = isRecord(hello.capabilities.logging);
    transport.negotiated(hello.protocolVersion);
    await this.#send(notificationMessage('notifications/initialized'), 'notifications/initialized');
    return hello;
  }

  /** One request of a client. @throws ServerError, or the signal's reason */
  async request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    const log = context.logLevel === undefined ? undefined : this.wantLogs(context.logLevel);
    try {
      if (log) await log.applied;
      const outcome = await this.#request(method, params, context, this.options.timeoutMs, true);
      for (const id of urlElicitations(outcome)) {
        if (context.client) this.options.onUrlElicitation(id, context.client);
      }
      return outcome;
    } finally {
      log?.release();
    }
  }

  /** Log lines of this level and above are wanted; `applied` once the server writes them. */
  wantLogs(level: string): { readonly applied: Promise<void>; release(): void } {
    return this.#logs ? this.#logLevel.want(level) : { applied: Promise.resolve(), release: () => {} };
  }

  /** One request of our own; its parsed result. @throws QueryError, ServerError, or the signal's reason */
  async query(method: string, params: Readonly<Record<string, unknown>>, signal: CallSignal): Promise<unknown> {
    const outcome = await this.#request(method, Buffer.from(JSON.stringify(params)), { signal }, undefined, false);
    if (outcome.kind === 'result') return JSON.parse(Buffer.from(outcome.json).toString('utf8'));
    throw new QueryError(method, outcome.error);
  }

  async notify(method: string, params: Uint8Array): Promise<void> {
    const json = clientNotification(method, params);
    if (json) await this.#send(json, method);
  }

  /** Lines on stdout that were no MCP message. */
  get strayLines(): number {
    return this.#strayLines;
  }

  pause(): void {
    this.options.transport.pause();
  }

  resume(): void {
    this.options.transport.resume();
  }

  /** Fails what is in flight and ends the transport. */
  async close(): Promise<void> {
    this.#open = false;
    this.#asks.end();
    this.#pending.failAll('the agent ended the server');
    await this.options.transport.close();
  }

  async #request(
    method: string,
    params: Uint8Array,
    context: RequestContext,
    timeoutMs: number | undefined,
    forClient: boolean,
  ): Promise<RequestOutcome> {
    context.signal.throwIfAborted();
    if (!this.#open) throw new ServerError('not_ready', 'the server is not running', false);
    const id = this.#nextId++;
    // Ids are never reused, so the id serves as progress token too.
    const json = requestMessage(id, method, params, context.onProgress ? { progressToken: id } : {});
    if (!json) return { kind: 'error', error: { code: INVALID_PARAMS, message: 'params must be a JSON object' } };
    let abandoned = false;
    const pending = { ...context, forClient, method, taskId: taskOf(method, params) };
    const { answer, markSent } = this.#pending.add(
      id,
      pending,
      context.lasting ? undefined : timeoutMs,
      (reason, sent) => {
        abandoned = true;
        this.#abandon(id, method, reason, sent);
      },
    );
    this.options.transport.send(json, { request: id, method, wanted: markSent }).catch((error: Error) => {
      if (error instanceof StartError) this.#pending.fail(id, () => error);
      else this.#pending.fail(id, (sent) => new ServerError(sent ? 'lost' : 'not_ready', error.message, sent));
    });
    try {
      return await answer;
    } finally {
      // An abandoned request is released once its cancellation is out.
      if (!abandoned) this.options.transport.release(id);
    }
  }

  /** Tells the server that nobody waits any more; `initialize` must not be cancelled (basic/utilities/cancellation). */
  #abandon(id: number, method: string, reason: string, sent: boolean): void {
    const release = () => this.options.transport.release(id);
    const tell = sent && method !== 'initialize' && this.#open;
    const cancelled = notificationMessage('notifications/cancelled', { requestId: id, reason });
    const told = tell ? this.#send(cancelled, 'notifications/cancelled') : Promise.resolve();
    void told.finally(release);
  }

  #onMessage(json: Buffer, request: number | undefined): void {
    const text = isUtf8(json) ? json : Buffer.from(json.toString('utf8'));
    const messages = readMessages(text);
    if (messages) for (const message of messages) this.#onIncoming(message, request);
    else this.#onStrayLine(text);
  }

  #onIncoming(message: Incoming, stream: number | undefined): void {
    const { kind } = message;
    if (kind === 'result') this.#pending.settle(message.id, { kind, json: message.json });
    else if (kind === 'error') this.#pending.settle(message.id, { kind, error: message.error });
    else if (kind === 'request') this.#asks.receive(message.id, message.method, message.params, stream);
    else this.#onNotification(message.method, message.params, stream);
  }

  #onNotification(method: string, params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    if (method === 'notifications/progress') this.#pending.progress(params);
    else if (method === 'notifications/cancelled') this.#asks.takenBack(params);
    else if (method !== 'notifications/message' || !this.#pending.log(params, stream)) {
      this.#onOther(method, params, stream);
    }
  }

  #onOther(method: string, params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    const list = changedList(method);
    if (list) this.options.onListChanged(list);
    const owned =
      method !== 'notifications/message' &&
      !list &&
      !OUTSIDE.has(method) &&
      this.#pending.notification(method, params, stream);
    if (!owned) this.options.onNotification(method, params);
  }

  async #setLogLevel(level: string): Promise<void> {
    const answered = new AbortController();
    const set = this.query('logging/setLevel', { level }, new AbortController().signal);
    // Whatever it says, requests go on.
    void set.catch(() => undefined).finally(() => answered.abort());
    await pause(this.options.clock, LOG_LEVEL_MS, answered.signal);
  }

  #onStrayLine(line: Buffer): void {
    if (line.toString('latin1').trim() === '') return;
    this.#strayLines += 1;
    // The text may hold anything, so it is not logged; once is enough.
    if (this.#strayLines === 1) this.options.logger.warn('writes lines to stdout that are not MCP; they are skipped');
  }

  #onFailed(request: number | undefined, error: ServerError): void {
    if (request === undefined) this.options.logger.warn(`a message was dropped: ${error.message}`);
    else this.#pending.fail(request, () => error);
  }

  #end(end: TransportEnd): void {
    if (!this.#open) return;
    this.#open = false;
    this.options.onEnd(end);
    this.#asks.end();
    this.#pending.failAll(`the server ${end.problem}`);
  }

  async #send(json: Buffer, method?: string): Promise<void> {
    // What cannot be sent any more is not missed: the end of the transport tells the rest.
    await this.options.transport.send(json, { method }).catch(() => false);
  }
}
