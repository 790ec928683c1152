import { Buffer, isUtf8 } from 'node:buffer';
import type { Logger } from '../../log/logger.js';
import type { Clock } from './clock.js';
import { type Hello, initializeParams, readHello } from './handshake.js';
import { type Incoming, notificationMessage, readMessages, requestMessage, responseMessage } from './messages.js';
import { PendingRequests } from './pending-requests.js';
import type { ServerSession } from './server-session.js';
import type { Transport, TransportEnd } from './transport.js';
import { type RequestContext, type RequestOutcome, ServerError, StartError } from './types.js';

const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

export interface SessionOptions {
  readonly transport: Transport;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long a client's request may stay without an answer or progress. */
  readonly timeoutMs?: number;
  /** The server is gone. Told once, before the requests in flight fail; not after `close`. */
  onEnd(end: TransportEnd): void;
  onToolsChanged(): void;
}

/**
 * One MCP session of the legacy era (`initialize`, 2024-11-05 to 2025-11-25) with a local server: this hop's own ids and
 * progress tokens. The modern era (2026-07-28) is another class with the same methods: no `initialize`, an envelope on
 * every request; which one a server gets is decided where its transport is made (`local-server.ts`).
 */
export class Session implements ServerSession {
  readonly era = 'legacy';
  readonly #pending: PendingRequests;
  #nextId = 1;
  #open = true;
  #strayLines = 0;

  constructor(private readonly options: SessionOptions) {
    this.#pending = new PendingRequests(options.clock);
  }

  /** Starts the transport and shakes hands (MCP 2025-11-25 basic/lifecycle). @throws Error for the machine's owner, or the signal's reason */
  async open(signal: AbortSignal): Promise<Hello> {
    const { transport, clientInfo } = this.options;
    await transport.start(
      {
        message: (json, request) => this.#onMessage(json, request),
        failed: (request, error) => this.#onFailed(request, error),
        ended: (end) => this.#end(end),
      },
      signal,
    );
    const hello = readHello(await this.query('initialize', initializeParams(clientInfo), signal));
    transport.negotiated(hello.protocolVersion);
    await this.#send(notificationMessage('notifications/initialized'), 'notifications/initialized');
    return hello;
  }

  /** One request of a client. @throws ServerError, or the signal's reason */
  request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    return this.#request(method, params, context, this.options.timeoutMs, true);
  }

  /** One request of our own; its parsed result. @throws Error with the server's message, ServerError, or the signal's reason */
  async query(method: string, params: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown> {
    const outcome = await this.#request(method, Buffer.from(JSON.stringify(params)), { signal }, undefined, false);
    if (outcome.kind === 'result') return JSON.parse(Buffer.from(outcome.json).toString('utf8'));
    throw new Error(`${method} failed: ${outcome.error.message} (${outcome.error.code})`);
  }

  async notify(method: string, params: Uint8Array): Promise<void> {
    const text = Buffer.from(params).toString('utf8');
    await this.#send(notificationMessage(method, text === '' ? undefined : JSON.parse(text)), method);
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
    const { answer, markSent } = this.#pending.add(id, { ...context, forClient }, timeoutMs, (reason, sent) => {
      abandoned = true;
      this.#abandon(id, method, reason, sent);
    });
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
    else if (kind === 'request') this.#onAsk(message.id, message.method);
    else this.#onNotification(message.method, message.params, stream);
  }

  /** The place for roots, sampling and elicitation. We declare none of them, so all but `ping` is refused. */
  #onAsk(id: string, method: string): void {
    const error = { code: METHOD_NOT_FOUND, message: `this client does not offer ${method}` };
    void this.#send(
      responseMessage(id, method === 'ping' ? { kind: 'result', json: Buffer.from('{}') } : { kind: 'error', error }),
    );
  }

  #onNotification(method: string, params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    if (method === 'notifications/progress') this.#pending.progress(params);
    else if (method === 'notifications/message') this.#pending.log(params, stream);
    else if (method === 'notifications/tools/list_changed') this.options.onToolsChanged();
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
    this.#pending.failAll(`the server ${end.problem}`);
  }

  async #send(json: Buffer, method?: string): Promise<void> {
    // What cannot be sent any more is not missed: the end of the transport tells the rest.
    await this.options.transport.send(json, { method }).catch(() => false);
  }
}
