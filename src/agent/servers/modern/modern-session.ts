import { Buffer } from 'node:buffer';
import type { Logger } from '../../../log/logger.js';
import type { CallSignal } from '../call-signal.js';
import type { Clock } from '../clock.js';
import type { Hello } from '../handshake.js';
import { ToolHeaders } from '../http/tool-headers.js';
import { changedList } from '../list-kinds.js';
import { type HopMeta, requestMessage } from '../messages.js';
import { pendingContext } from '../pending-requests.js';
import { ServerChannel } from '../server-channel.js';
import { QueryError, type ServerSession, type ServerSessionEvents } from '../server-session.js';
import type { Transport, TransportEnd } from '../transport.js';
import type { AskPolicy, RequestContext, RequestOutcome } from '../types.js';
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
  readonly #channel: ServerChannel;
  readonly #inFlight = new Map<number, InFlight>();
  readonly #listen: OwnListen;
  readonly #headers: ToolHeaders | undefined;
  #refused = false;
  /** Until then, log lines may be those of a request that was given up. */
  #uncertainUntil = 0;

  constructor(private readonly options: ModernSessionOptions) {
    const { clock, logger, hello, events, clientInfo } = options;
    this.#channel = new ServerChannel(options, {
      incoming: (message, stream) => {
        if (message.kind === 'request') this.#refuse();
        else this.#onNotification(message.method, message.params, stream);
      },
      ended: (end) => {
        this.#listen.stop();
        options.onEnd(end);
      },
    });
    this.#headers = options.http ? new ToolHeaders(logger) : undefined;
    this.#listen = new OwnListen(hello.capabilities, events, clock, logger, (params, context) =>
      this.#request(LISTEN, Buffer.from(JSON.stringify(params)), context, envelope(clientInfo, {}), false),
    );
  }

  get strayLines(): number {
    return this.#channel.strayLines;
  }

  /** Takes over the transport and opens the agent's own `subscriptions/listen`. @throws Error */
  async open(signal: AbortSignal): Promise<void> {
    const { transport } = this.options;
    await this.#channel.start(signal);
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

  notify(method: string, params: Uint8Array): Promise<void> {
    return this.#channel.notify(method, params);
  }

  pause(): void {
    this.options.transport.pause();
  }

  resume(): void {
    this.options.transport.resume();
  }

  close(): Promise<void> {
    return this.#channel.close(() => this.#listen.stop());
  }

  async #request(
    method: string,
    params: Uint8Array,
    context: RequestContext,
    own: HopMeta,
    forClient: boolean,
  ): Promise<RequestOutcome> {
    const id = this.#channel.nextId(context.signal);
    const { timeoutMs, http } = this.options;
    if (http && !HEADER_SAFE.test(method))
      return { kind: 'error', error: { code: METHOD_NOT_FOUND, message: `Method not found: ${method}` } };
    const json = requestMessage(id, method, params, context.onProgress ? { ...own, progressToken: id } : own);
    if (!json) return { kind: 'error', error: { code: INVALID_PARAMS, message: 'params must be a JSON object' } };
    const subscriber = method === LISTEN ? subscriberOf(params) : undefined;
    this.#inFlight.set(id, { context, subscriber });
    try {
      const outcome = await this.#channel.request({
        id,
        json,
        context: pendingContext(context, { forClient, method }),
        timeoutMs: forClient && !context.lasting ? timeoutMs : undefined,
        headers: this.#headers?.of(method, params) ?? {},
        abandoned: (sent) => {
          if (sent && context.logLevel !== undefined) this.#uncertainUntil = this.options.clock.now() + AFTERMATH_MS;
        },
      });
      return method === LISTEN ? endOfListen(outcome, subscriber ?? {}) : outcome;
    } finally {
      this.#inFlight.delete(id);
    }
  }

  /** This revision has no requests in that direction, and none may be answered (basic/transports/stdio#sending-messages). */
  #refuse(): void {
    if (this.#refused) return;
    this.#refused = true;
    this.options.logger.warn('sends requests to the client, which MCP 2026-07-28 has not; they are dropped');
  }

  #onNotification(method: string, params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    if (method === 'notifications/progress') this.#channel.pending.progress(params);
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
    this.#channel.pending.settle(id, { kind: 'result', json: Buffer.from('{"resultType":"complete"}') });
  }
}
