import type { Buffer } from 'node:buffer';
import type { Response } from 'undici';
import type { ServerReason } from '../../../protocol/server-state.js';
import { errorFor, readMessages, responseIds } from '../messages.js';
import { MODERN_REVISION } from '../modern/envelope.js';
import type { Outgoing, Transport, TransportEvents } from '../transport.js';
import { ServerError, StartError } from '../types.js';
import { eventTap } from './event-tap.js';
import { describeHttpError, httpReason, isUnreachable, postError, StatusError } from './http-errors.js';
import { bodyOf, HttpConnections, isEventStream } from './http-fetch.js';
import type { HttpTransportOptions } from './http-transport.js';

/** A stream should end with its answer; one that does not is closed after this. */
const LINGER_MS = 1_000;
/** Statuses with which servers of older revisions answer what they do not know. */
const STRANGE: readonly number[] = [400, 404, 405];
/** Errors that a server of this revision sends before it has read the id: JSON-RPC's own, and basic/index#error-codes. */
const MODERN_ERRORS: readonly number[] = [-32700, -32600, -32602, -32020, -32021];
const UNSUPPORTED_VERSION = -32022;
/** Statuses that do not say whether a server speaks this revision: it did not look, or is broken. */
const isNoEvidence = (status: number) => status === 401 || status === 403 || status >= 500;

interface Exchange {
  readonly abort: AbortController;
  answered: boolean;
  linger?: NodeJS.Timeout;
}

/**
 * Streamable HTTP of revision 2026-07-28: one POST for each request, answered by a body or by a stream of its own, which
 * cannot be taken up again. Closing it is how a request is cancelled. There is no session and nothing to end.
 */
export class ModernHttpTransport implements Transport {
  readonly #connections: HttpConnections;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #notices = new Set<AbortController>();
  #events: TransportEvents | undefined;
  #ended = false;
  /** What the server does not know is no loss yet. */
  #probing = true;

  constructor(private readonly options: HttpTransportOptions) {
    this.#connections = new HttpConnections(options);
  }

  async start(events: TransportEvents): Promise<void> {
    this.#events = events;
  }

  /** Waits for the head of the answer. @throws StartError for `server/discover` where there is no MCP server to judge */
  async send(json: Buffer, outgoing: Outgoing): Promise<boolean> {
    if (this.#ended) throw new Error('the connection to the server has ended');
    if (outgoing.wanted && !outgoing.wanted()) return false;
    if (outgoing.request !== undefined) await this.#request(json, outgoing.request, outgoing);
    // Here a request is cancelled by closing its stream.
    else if (outgoing.method !== 'notifications/cancelled') await this.#notify(json, outgoing);
    return true;
  }

  release(request: number): void {
    const exchange = this.#exchanges.get(request);
    if (!exchange) return;
    if (exchange.answered) exchange.linger ??= setTimeout(() => this.#drop(request), LINGER_MS);
    else this.#drop(request);
  }

  negotiated(): void {
    this.#probing = false;
  }

  pause(): void {
    this.#connections.pause();
  }

  resume(): void {
    this.#connections.resume();
  }

  lastWords(): readonly string[] {
    return [];
  }

  async close(): Promise<void> {
    this.#ended = true;
    for (const request of [...this.#exchanges.keys()]) this.#drop(request);
    for (const notice of this.#notices) notice.abort();
    await this.#connections.close();
  }

  async #request(json: Buffer, request: number, outgoing: Outgoing): Promise<void> {
    const exchange: Exchange = { abort: new AbortController(), answered: false };
    this.#exchanges.set(request, exchange);
    let response: Response;
    try {
      response = await this.#connections.post(this.#headers(outgoing), json, exchange.abort.signal);
    } catch (error) {
      this.#exchanges.delete(request);
      this.#onUnanswered(request, outgoing.method, exchange, error);
      return;
    }
    if (outgoing.method === 'server/discover' && isNoEvidence(response.status)) {
      this.#drop(request);
      throw this.#startError(new StatusError(response.status));
    }
    void this.#read(response, request, exchange).finally(() => this.#drop(request));
  }

  async #read(response: Response, request: number, exchange: Exchange): Promise<void> {
    try {
      if (isEventStream(response)) await this.#readEvents(response, request, exchange);
      else await this.#readBody(response, request, exchange);
    } catch {
      // It broke, or was closed by us: what is not answered by now will not be.
    }
    this.#fail(request, exchange, new ServerError('lost', 'the server ended the stream before it answered', true));
  }

  async #readEvents(response: Response, request: number, exchange: Exchange): Promise<void> {
    if (!response.body) return;
    const pace = this.#connections.pace(() => this.#events?.room?.(request));
    const tap = eventTap(response.body, this.options.messageBytes, pace, {
      message: (json) => {
        this.#deliver(json, request, exchange);
        return '';
      },
      eventId: () => {},
      overlong: (_head, _tail, bytes) => this.#tooLarge(request, exchange, bytes),
      end: () => {},
    });
    for await (const _rest of tap);
  }

  async #readBody(response: Response, request: number, exchange: Exchange): Promise<void> {
    const { messageBytes } = this.options;
    const body = await bodyOf(response, messageBytes, this.#connections.pace(), (_head, _tail, bytes) =>
      this.#tooLarge(request, exchange, bytes),
    );
    const isJson = response.headers.get('content-type')?.toLowerCase().startsWith('application/json') ?? false;
    // An error may come without an id, if the server refused the message before it read it.
    const answered = isJson && responseIds(body).includes(request);
    const answer = answered ? body : isJson ? errorFor(request, body) : undefined;
    if (answer) this.#deliver(answer, request, exchange);
    else if (!response.ok) this.#fail(request, exchange, postError(new StatusError(response.status)));
    if (!STRANGE.includes(response.status)) return;
    const code = answer && errorCode(answer);
    const strange = answered ? code === UNSUPPORTED_VERSION : code === undefined || !MODERN_ERRORS.includes(code);
    if (strange) this.#lose('exited', 'no longer speaks MCP 2026-07-28');
  }

  #deliver(json: Buffer, request: number, exchange: Exchange): void {
    if (this.#ended) return;
    if (responseIds(json).includes(request)) exchange.answered = true;
    this.#events?.message(json, request);
  }

  async #notify(json: Buffer, outgoing: Outgoing): Promise<void> {
    const abort = new AbortController();
    this.#notices.add(abort);
    try {
      const response = await this.#connections.post(this.#headers(outgoing), json, abort.signal);
      await response.body?.cancel();
    } finally {
      this.#notices.delete(abort);
    }
  }

  #headers({ method, headers }: Outgoing): Record<string, string> {
    return {
      ...this.options.headers,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': MODERN_REVISION,
      'Mcp-Method': method ?? '',
      ...headers,
    };
  }

  #onUnanswered(request: number, method: string | undefined, exchange: Exchange, error: unknown): void {
    if (this.#ended || exchange.abort.signal.aborted) return;
    if (method === 'server/discover') throw this.#startError(error);
    this.#fail(request, exchange, postError(error));
    if (isUnreachable(error)) this.#lose('unreachable', 'cannot be reached any more');
  }

  /** Another server has taken its place: it is to be asked anew what it is. */
  #lose(reason: ServerReason, problem: string): void {
    if (this.#ended || this.#probing) return;
    this.#ended = true;
    this.#events?.ended({ reason, problem, sessionLost: reason === 'exited' });
  }

  #startError(error: unknown): StartError {
    return new StartError(httpReason(error), describeHttpError(error, this.options.url), { cause: error });
  }

  #tooLarge(request: number, exchange: Exchange, bytes: number): void {
    const message = `the server sent a message of ${bytes} bytes or more; the limit is ${this.options.messageBytes}`;
    this.#fail(request, exchange, new ServerError('too_large', message, true));
  }

  #fail(request: number, exchange: Exchange, error: ServerError): void {
    if (exchange.answered || this.#ended || exchange.abort.signal.aborted) return;
    exchange.answered = true;
    this.#events?.failed(request, error);
  }

  #drop(request: number): void {
    const exchange = this.#exchanges.get(request);
    this.#exchanges.delete(request);
    clearTimeout(exchange?.linger);
    exchange?.abort.abort();
  }
}

function errorCode(answer: Buffer): number | undefined {
  const [message] = readMessages(answer) ?? [];
  return message?.kind === 'error' ? message.error.code : undefined;
}
