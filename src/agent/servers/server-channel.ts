import { Buffer, isUtf8 } from 'node:buffer';
import type { Logger } from '../../log/logger.js';
import type { CallSignal } from './call-signal.js';
import type { Clock } from './clock.js';
import { type Incoming, notificationMessage, readMessages } from './messages.js';
import { clientNotification } from './passed-through.js';
import { type PendingContext, PendingRequests } from './pending-requests.js';
import type { Transport, TransportEnd, TransportEvents } from './transport.js';
import { type JsonRpcError, type RequestOutcome, ServerError, StartError } from './types.js';

export interface ChannelOptions {
  readonly transport: Transport;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface ChannelEvents {
  /** What is no answer. @param stream the request on whose own stream it came, where the transport can tell */
  incoming(message: Exclude<Incoming, { readonly kind: 'result' | 'error' }>, stream: number | undefined): void;
  /** A request has ended with an error of the server's: told before whoever waits for it hears of it. */
  refused?(error: JsonRpcError, context: PendingContext): void;
  /** The server is gone. Told once, before the requests in flight fail; not after `close`. */
  ended(end: TransportEnd): void;
}

export interface ChannelRequest {
  /** As `nextId` gave it. */
  readonly id: number;
  /** The whole message. */
  readonly json: Buffer;
  readonly context: PendingContext;
  readonly timeoutMs: number | undefined;
  /** Of a modern request over HTTP. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Nobody waits for its answer any more. @param sent whether the server may have it */
  readonly abandoned?: (sent: boolean) => void;
}

/** What sessions of both eras have of their transport: requests with ids of this hop's own and answers to them, until it ends. */
export class ServerChannel {
  readonly pending: PendingRequests;
  #nextId = 1;
  #open = true;
  #strayLines = 0;

  constructor(
    private readonly options: ChannelOptions,
    private readonly events: ChannelEvents,
  ) {
    this.pending = new PendingRequests(options.clock, (id) => options.transport.release(id));
  }

  /** Lines on stdout that were no MCP message. */
  get strayLines(): number {
    return this.#strayLines;
  }

  /** Starts the transport. @throws StartError, or the signal's reason */
  start(signal: AbortSignal): Promise<void> {
    const events: TransportEvents = {
      message: (json, request) => this.#onMessage(json, request),
      failed: (request, error) => this.#onFailed(request, error),
      ended: (end) => this.#end(end),
      room: (request) => this.pending.room(request),
    };
    return this.options.transport.start(events, signal);
  }

  /** Ids are never reused, so they serve as progress tokens too. @throws ServerError, or the signal's reason: there is no use in a request */
  nextId(signal: CallSignal): number {
    signal.throwIfAborted();
    if (!this.#open) throw new ServerError('not_ready', 'the server is not running', false);
    return this.#nextId++;
  }

  /** Not async: see createLocalServers. Rejects with ServerError, StartError to `initialize` over HTTP, or the signal's reason. */
  request({ id, json, context, timeoutMs, headers, abandoned }: ChannelRequest): Promise<RequestOutcome> {
    const { transport } = this.options;
    const { method } = context;
    const answer = this.pending.add(id, context, timeoutMs, (reason, sent) => {
      abandoned?.(sent);
      this.#abandon(id, method, reason, sent);
    });
    const wanted = () => this.pending.markSent(id);
    const sent = transport.send(
      json,
      headers ? { request: id, method, headers, wanted } : { request: id, method, wanted },
    );
    if (typeof sent !== 'boolean') sent.catch((error: Error) => this.#onUnsent(id, error));
    return answer;
  }

  #onUnsent(id: number, error: Error): void {
    if (error instanceof StartError) this.pending.fail(id, () => error);
    else this.pending.fail(id, (sent) => new ServerError(sent ? 'lost' : 'not_ready', error.message, sent));
  }

  /** A client's notification, where it is for the server. */
  async notify(method: string, params: Uint8Array): Promise<void> {
    const json = clientNotification(method, params);
    if (json) await this.send(json, method);
  }

  async send(json: Buffer, method?: string): Promise<void> {
    try {
      await this.options.transport.send(json, { method });
    } catch {
      // What cannot be sent any more is not missed: the end of the transport tells the rest.
    }
  }

  /** No request is taken any more; those in flight fail, and the transport ends. @param ending runs before they fail */
  async close(ending: () => void): Promise<void> {
    this.#open = false;
    ending();
    this.pending.failAll('the agent ended the server');
    await this.options.transport.close();
  }

  /**
   * Tells the server that nobody waits any more: on stdio by a message, over HTTP by closing the stream (MCP 2026-07-28
   * basic/patterns/cancellation); `initialize` must not be cancelled (2025-11-25 basic/utilities/cancellation).
   */
  #abandon(id: number, method: string, reason: string, sent: boolean): void {
    const tell = sent && method !== 'initialize' && this.#open;
    const cancelled = notificationMessage('notifications/cancelled', { requestId: id, reason });
    const told = tell ? this.send(cancelled, 'notifications/cancelled') : Promise.resolve();
    void told.finally(() => this.options.transport.release(id));
  }

  #onMessage(json: Buffer, request: number | undefined): void {
    const text = isUtf8(json) ? json : Buffer.from(json.toString('utf8'));
    const messages = readMessages(text);
    if (messages) for (const message of messages) this.#onIncoming(message, request);
    else if (text.toString('latin1').trim() !== '') this.#onStrayLine();
  }

  #onIncoming(message: Incoming, stream: number | undefined): void {
    const { kind } = message;
    if (kind === 'result') this.pending.settle(message.id, { kind, json: message.json });
    else if (kind === 'error') this.#onError(message.id, message.error);
    else this.events.incoming(message, stream);
  }

  #onError(id: number, error: JsonRpcError): void {
    const context = this.pending.contextOf(id);
    if (context) this.events.refused?.(error, context);
    this.pending.settle(id, { kind: 'error', error });
  }

  #onStrayLine(): void {
    this.#strayLines += 1;
    // The text may hold anything, so it is not logged; once is enough.
    if (this.#strayLines === 1) this.options.logger.warn('writes lines to stdout that are not MCP; they are skipped');
  }

  #onFailed(request: number | undefined, error: ServerError): void {
    if (request === undefined) this.options.logger.warn(`a message was dropped: ${error.message}`);
    else this.pending.fail(request, () => error);
  }

  #end(end: TransportEnd): void {
    if (!this.#open) return;
    this.#open = false;
    this.events.ended(end);
    this.pending.failAll(`the server ${end.problem}`);
  }
}
