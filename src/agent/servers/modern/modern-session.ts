import { Buffer, isUtf8 } from 'node:buffer';
import type { Logger } from '../../../log/logger.js';
import type { CallSignal } from '../call-signal.js';
import type { Clock } from '../clock.js';
import type { Hello } from '../handshake.js';
import { ToolHeaders } from '../http/tool-headers.js';
import { changedList } from '../legacy/listen-request.js';
import { PendingRequests } from '../legacy/pending-requests.js';
import { type HopMeta, type Incoming, notificationMessage, readMessages, requestMessage } from '../messages.js';
import { clientNotification } from '../passed-through.js';
import { QueryError, type ServerSession, type ServerSessionEvents } from '../server-session.js';
import type { Transport, TransportEnd } from '../transport.js';
import { type AskPolicy, type RequestContext, type RequestOutcome, ServerError } from '../types.js';
import { capabilitiesFor, envelope } from './envelope.js';
import { OwnListen } from './own-listen.js';
import { endOfListen, LISTEN, type Subscriber, subscriberOf, subscriptionOf, withSubscriber } from './subscriber.js';

const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const HEADER_MISMATCH = -32020;
/** `Mcp-Method` has no other form for what a header cannot hold. */
const HEADER_SAFE = /^[\x21-\x7e]+$/;
/** For this long a server may still write log lines of a request that was given up; they must not be taken for another's. */
const AFTERMATH_MS = 60_000;

export interface ModernSessionOptions {
  readonly transport: Transport;
  /** What the server answered to `server/discover`. */
  readonly hello: Hello;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long a client's request may stay without an answer or progress. */
  readonly timeoutMs?: number;
  readonly policy: AskPolicy;
  /** Parts of a request stand in HTTP headers too. */
  readonly http: boolean;
  readonly events: ServerSessionEvents;
  /** The server is gone. Told once, before the requests in flight fail; not after `close`. */
  onEnd(end: TransportEnd): void;
}

interface InFlight {
  readonly context: RequestContext;
  readonly subscriber: Subscriber | undefined;
}

/** A local server of revision 2026-07-28: no state but the transport's; every request says for whom it is. */
export class ModernSession implements ServerSession {
  readonly era = 'modern';
  readonly #pending: PendingRequests;
  readonly #inFlight = new Map<number, InFlight>();
  readonly #listen: OwnListen;
  readonly #headers: ToolHeaders | undefined;
  #nextId = 1;
  #open = true;
  #strayLines = 0;
  #refused = false;
  /** Until then, log lines may be those of a request that was given up. */
  #uncertainUntil = 0;

  constructor(private readonly options: ModernSessionOptions) {
    const { clock, logger, hello, events, clientInfo } = options;
    this.#pending = new PendingRequests(clock);
    this.#headers = options.http ? new ToolHeaders(logger) : undefined;
    this.#listen = new OwnListen(hello.capabilities, events, clock, logger, (params, context) =>
      this.#request(LISTEN, Buffer.from(JSON.stringify(params)), context, envelope(clientInfo, {}), false),
    );
  }

  get strayLines(): number {
    return this.#strayLines;
  }

  /** Takes over the transport and opens the agent's own `subscriptions/listen`. @throws Error */
  async open(signal: AbortSignal): Promise<void> {
    const { transport } = this.options;
    await transport.start(
      {
        message: (json, request) => this.#onMessage(json, request),
        failed: (request, error) => this.#onFailed(request, error),
        ended: (end) => this.#end(end),
        room: (request) => this.#pending.room(request),
      },
      signal,
    );
    transport.negotiated(this.options.hello.protocolVersion);
    await this.#listen.start();
  }

  async request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    const { clientInfo, policy } = this.options;
    const { client, logLevel } = context;
    const own = client
      ? envelope(client.info, capabilitiesFor(client, policy), logLevel)
      : envelope(clientInfo, {}, logLevel);
    const outcome = await this.#request(method, params, context, own, true);
    const mismatch = outcome.kind === 'error' && outcome.error.code === HEADER_MISMATCH;
    if (!this.#headers || !mismatch || method !== 'tools/call') return outcome;
    // The tool has changed since it was listed, and was not called: once more, as it is now (#client-behavior).
    await this.#headers.refresh((page) => this.query('tools/list', page, context.signal));
    return this.#request(method, params, context, own, true);
  }

  async query(method: string, params: Readonly<Record<string, unknown>>, signal: CallSignal): Promise<unknown> {
    const own = envelope(this.options.clientInfo, {});
    const outcome = await this.#request(method, Buffer.from(JSON.stringify(params)), { signal }, own, false);
    if (outcome.kind === 'error') throw new QueryError(method, outcome.error);
    const result: unknown = JSON.parse(Buffer.from(outcome.json).toString('utf8'));
    return method === 'tools/list' && this.#headers ? this.#headers.learn(result) : result;
  }

  async notify(method: string, params: Uint8Array): Promise<void> {
    const json = clientNotification(method, params);
    if (json) await this.#send(json, method);
  }

  pause(): void {
    this.options.transport.pause();
  }

  resume(): void {
    this.options.transport.resume();
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#listen.stop();
    this.#pending.failAll('the agent ended the server');
    await this.options.transport.close();
  }

  async #request(
    method: string,
    params: Uint8Array,
    context: RequestContext,
    own: HopMeta,
    forClient: boolean,
  ): Promise<RequestOutcome> {
    context.signal.throwIfAborted();
    if (!this.#open) throw new ServerError('not_ready', 'the server is not running', false);
    const { transport, timeoutMs, http } = this.options;
    if (http && !HEADER_SAFE.test(method))
      return { kind: 'error', error: { code: METHOD_NOT_FOUND, message: `Method not found: ${method}` } };
    const id = this.#nextId++;
    // Ids are never reused, so the id serves as progress token too.
    const json = requestMessage(id, method, params, { ...own, ...(context.onProgress ? { progressToken: id } : {}) });
    if (!json) return { kind: 'error', error: { code: INVALID_PARAMS, message: 'params must be a JSON object' } };
    const subscriber = method === LISTEN ? subscriberOf(params) : undefined;
    const limit = forClient && !context.lasting ? timeoutMs : undefined;
    let abandoned = false;
    this.#inFlight.set(id, { context, subscriber });
    const { answer, markSent } = this.#pending.add(id, { ...context, forClient, method }, limit, (reason, sent) => {
      abandoned = true;
      if (sent && context.logLevel !== undefined) this.#uncertainUntil = this.options.clock.now() + AFTERMATH_MS;
      this.#abandon(id, reason, sent);
    });
    const headers = this.#headers?.of(method, params) ?? {};
    transport.send(json, { request: id, method, headers, wanted: markSent }).catch((error: Error) => {
      this.#pending.fail(id, (sent) => new ServerError(sent ? 'lost' : 'not_ready', error.message, sent));
    });
    try {
      const outcome = await answer;
      return method === LISTEN ? endOfListen(outcome, subscriber ?? {}) : outcome;
    } finally {
      this.#inFlight.delete(id);
      // An abandoned request is released once its cancellation is out.
      if (!abandoned) transport.release(id);
    }
  }

  /** Tells the server that nobody waits any more: on stdio by a message, over HTTP by closing the stream (basic/patterns/cancellation). */
  #abandon(id: number, reason: string, sent: boolean): void {
    const cancelled = notificationMessage('notifications/cancelled', { requestId: id, reason });
    const told = sent && this.#open ? this.#send(cancelled, 'notifications/cancelled') : Promise.resolve();
    void told.finally(() => this.options.transport.release(id));
  }

  #onMessage(json: Buffer, request: number | undefined): void {
    const text = isUtf8(json) ? json : Buffer.from(json.toString('utf8'));
    const messages = readMessages(text);
    if (messages) for (const message of messages) this.#onIncoming(message, request);
    else if (text.toString('latin1').trim() !== '') this.#onStrayLine();
  }

  #onStrayLine(): void {
    this.#strayLines += 1;
    // The text may hold anything, so it is not logged; once is enough.
    if (this.#strayLines === 1) this.options.logger.warn('writes lines to stdout that are not MCP; they are skipped');
  }

  #onIncoming(message: Incoming, stream: number | undefined): void {
    const { kind } = message;
    if (kind === 'result') this.#pending.settle(message.id, { kind, json: message.json });
    else if (kind === 'error') this.#pending.settle(message.id, { kind, error: message.error });
    else if (kind === 'notification') this.#onNotification(message.method, message.params, stream);
    else if (!this.#refused) {
      // This revision has no requests in that direction, and none may be answered (basic/transports/stdio#sending-messages).
      this.#refused = true;
      this.options.logger.warn('sends requests to the client, which MCP 2026-07-28 has not; they are dropped');
    }
  }

  #onNotification(method: string, params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    if (method === 'notifications/progress') this.#pending.progress(params);
    else if (method === 'notifications/message') this.#onLog(params, stream);
    else if (method === 'notifications/cancelled') this.#onListenCancelled(params.requestId);
    else {
      const id = stream ?? subscriptionOf(params);
      // What names a request, by its stream or in words, is nobody else's, also when that is over.
      if (id !== undefined) this.#onOwned(method, params, id);
      else this.#onUnowned(method, params);
    }
  }

  #onOwned(method: string, params: Readonly<Record<string, unknown>>, id: unknown): void {
    const owner = typeof id === 'number' ? this.#inFlight.get(id) : undefined;
    const { context, subscriber } = owner ?? {};
    context?.onNotification?.(method, subscriber ? withSubscriber(params, subscriber) : params);
  }

  #onUnowned(method: string, params: Readonly<Record<string, unknown>>): void {
    const list = changedList(method);
    if (list) this.options.events.onListChanged(list);
    this.options.events.onNotification(method, params);
  }

  /** On stdio nothing says whose a log line is: it is told only where one request alone has asked for any. */
  #onLog(params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    const wanting = [...this.#inFlight.values()].filter(({ context }) => context.logLevel !== undefined);
    const certain = wanting.length === 1 && this.options.clock.now() >= this.#uncertainUntil;
    const owner = stream === undefined ? (certain ? wanting[0] : undefined) : this.#inFlight.get(stream);
    owner?.context.onLog?.(params);
  }

  /** A server ends a subscription by this, by its result, or by both. */
  #onListenCancelled(id: unknown): void {
    const listen = typeof id === 'number' ? this.#inFlight.get(id) : undefined;
    if (typeof id !== 'number' || !listen?.subscriber) return;
    this.#pending.settle(id, { kind: 'result', json: Buffer.from('{"resultType":"complete"}') });
  }

  #onFailed(request: number | undefined, error: ServerError): void {
    if (request === undefined) this.options.logger.warn(`a message was dropped: ${error.message}`);
    else this.#pending.fail(request, () => error);
  }

  #end(end: TransportEnd): void {
    if (!this.#open) return;
    this.#open = false;
    this.#listen.stop();
    this.options.onEnd(end);
    this.#pending.failAll(`the server ${end.problem}`);
  }

  async #send(json: Buffer, method: string): Promise<void> {
    // What cannot be sent any more is not missed: the end of the transport tells the rest.
    await this.options.transport.send(json, { method }).catch(() => false);
  }
}
