import { Buffer } from 'node:buffer';
import { SSEClientTransport, SseError } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { Response } from 'undici';
import { describeHttpError, isSessionLost, isUnreachable, postError, statusOf } from './http-errors.js';
import { HttpConnections, type HttpFetchOptions, isEventStream, type ResponseWatch } from './http-fetch.js';
import { readMessages } from './messages.js';
import { type Outgoing, SessionLostError, type Transport, type TransportEvents } from './transport.js';
import { ServerError } from './types.js';

/** Answers to `initialize` that mean "no Streamable HTTP here"; 401, 403 and 5xx say nothing about that. */
const FALL_BACK_ON = [400, 404, 405];
const RECONNECTION = {
  initialReconnectionDelay: 1000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 3,
};
const GAVE_UP = /^Maximum reconnection attempts/;
const DELETE_MS = 2_000;
/** The last event of a stream may still be on its way through the SDK's parser when the stream has ended. */
const LAST_EVENT_MS = 100;
const UNWATCHED: ResponseWatch = { onResponse: async (response) => response, onEnd: () => {}, onTooLarge: () => {} };

export interface HttpTransportOptions extends HttpFetchOptions {
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A server over Streamable HTTP, or over the HTTP+SSE of 2024-11-05 where it has only that.
 *
 * Each message goes out through an SDK transport of its own, all with one session id: so it is certain on which
 * request's stream something arrives, and a stream that breaks fails its own request. Params leave byte for byte;
 * what comes back has been parsed by the SDK and is written again, so that integers over 2^53 lose digits here.
 */
export class HttpTransport implements Transport {
  readonly #connections: HttpConnections;
  readonly #posts = new Set<StreamableHTTPClientTransport>();
  readonly #byRequest = new Map<number, StreamableHTTPClientTransport>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #events: TransportEvents | undefined;
  #sse: SSEClientTransport | undefined;
  #sessionId: string | undefined;
  #protocolVersion: string | undefined;
  #ended = false;

  constructor(private readonly options: HttpTransportOptions) {
    this.#connections = new HttpConnections(options);
  }

  async start(events: TransportEvents): Promise<void> {
    this.#events = events;
  }

  async send(json: Buffer, outgoing: Outgoing): Promise<boolean> {
    if (this.#ended) throw new Error('the connection to the server has ended');
    if (outgoing.wanted && !outgoing.wanted()) return false;
    if (this.#sse) await this.#sse.send(parse(json));
    else await this.#post(json, outgoing);
    return true;
  }

  release(request: number): void {
    const post = this.#byRequest.get(request);
    this.#byRequest.delete(request);
    if (post) void this.#drop(post);
  }

  negotiated(protocolVersion: string): void {
    this.#protocolVersion = protocolVersion;
    this.#sse?.setProtocolVersion(protocolVersion);
  }

  // One server's streams are many here, each read by the SDK as it comes.
  pause(): void {}
  resume(): void {}

  lastWords(): readonly string[] {
    return [];
  }

  async close(): Promise<void> {
    const lost = this.#ended;
    this.#ended = true;
    if (this.#sessionId !== undefined && !lost) await this.#deleteSession();
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#posts].map((post) => this.#drop(post)));
    await this.#sse?.close();
    await this.#connections.close();
  }

  async #post(json: Buffer, { request, method }: Outgoing): Promise<void> {
    const reply = { answered: false, streaming: false, resumable: false, sending: true };
    const listening = { open: false };
    const fail = (code: 'lost' | 'too_large', message: string) => {
      if (request === undefined || reply.answered || this.#ended) return;
      reply.answered = true;
      this.#events?.failed(request, new ServerError(code, message, true));
    };
    const lose = () => fail('lost', 'the server ended the stream before it answered');
    const post = this.#newPost(json, {
      onResponse: async (response, verb) => {
        if (verb === 'GET') this.#onListenResponse(response, listening);
        if (verb === 'POST' && method === 'initialize')
          this.#sessionId = response.headers.get('mcp-session-id') ?? undefined;
        reply.streaming = isEventStream(response);
        return verb === 'POST' && !response.ok ? this.#errorInBody(response, request) : response;
      },
      onEnd: (verb) => {
        if (verb === 'POST' && reply.streaming && !reply.resumable) this.#later(lose);
      },
      onTooLarge: () =>
        fail('too_large', `the server sent a message over the limit of ${this.options.messageBytes} bytes`),
    });
    post.onmessage = (message: JSONRPCMessage) => {
      if ('id' in message && message.id === request && !('method' in message)) reply.answered = true;
      this.#deliver(message, request);
    };
    post.onerror = (error) => {
      if (reply.sending) return; // the rejection of send() tells it
      if (request !== undefined && (!reply.resumable || GAVE_UP.test(error.message))) lose();
      if (request === undefined && listening.open && GAVE_UP.test(error.message)) {
        this.#end('closed its event stream and cannot be reached', false);
      }
    };
    if (request !== undefined) this.#byRequest.set(request, post);
    try {
      await post.start();
      await post.send(stub(request, method), { onresumptiontoken: () => (reply.resumable = true) });
      reply.sending = false;
      if (!reply.streaming) lose();
      // `initialized` opens the stream for what belongs to no request; it stays.
      if (request === undefined && method !== 'notifications/initialized') await this.#drop(post);
    } catch (error) {
      if (method === 'initialize' && FALL_BACK_ON.includes(statusOf(error) ?? 0)) await this.#fallBack(json, error);
      else this.#onPostFailed(error, request, method);
    }
  }

  #newPost(json: Buffer, watch: ResponseWatch): StreamableHTTPClientTransport {
    const { url, headers } = this.options;
    const post = new StreamableHTTPClientTransport(new URL(url), {
      fetch: this.#connections.fetchFor(json, watch),
      requestInit: { headers: { ...headers } },
      reconnectionOptions: RECONNECTION,
      ...(this.#sessionId === undefined ? {} : { sessionId: this.#sessionId }),
    });
    if (this.#protocolVersion !== undefined) post.setProtocolVersion(this.#protocolVersion);
    this.#posts.add(post);
    return post;
  }

  #onPostFailed(error: unknown, request: number | undefined, method: string | undefined): void {
    if (this.#ended) return;
    if (method === 'initialize') throw new Error(describeHttpError(error, this.options.url), { cause: error });
    const lost = this.#sessionId !== undefined && isSessionLost(statusOf(error), String(error));
    if (request !== undefined) this.#events?.failed(request, lost ? new SessionLostError() : postError(error));
    if (lost) this.#end('ended the session', true);
    else if (isUnreachable(error)) this.#end('cannot be reached any more', false);
  }

  /** A JSON-RPC error that came with an HTTP error is the server's own answer: the SDK is shown a 202 in its place. */
  async #errorInBody(response: Response, request: number | undefined): Promise<Response> {
    const text = await response.text();
    const { status, statusText, headers } = response;
    const [answer] = readMessages(Buffer.from(text)) ?? [];
    if (answer?.kind !== 'error' || answer.id !== request) return new Response(text, { status, statusText, headers });
    this.#events?.message(Buffer.from(text), request);
    return new Response(null, { status: 202, headers });
  }

  /** The stream for what belongs to no request. A server without one answers 405, or anything else the first time. */
  #onListenResponse(response: Response, listening: { open: boolean }): void {
    if (response.ok) listening.open = true;
    else if (listening.open && isSessionLost(response.status, 'session')) this.#end('ended the session', true);
  }

  /** The transport of 2024-11-05: one event stream down, POSTs up. */
  async #fallBack(json: Buffer, refusal: unknown): Promise<void> {
    const { url, headers } = this.options;

    const sse = new SSEClientTransport(new URL(url), {
      fetch: this.#connections.fetchFor(undefined, UNWATCHED),
      requestInit: { headers: { ...headers } },
    });
    this.#sse = sse;
    sse.onmessage = (message) => this.#deliver(message, undefined);
    try {
      await sse.start();
    } catch (error) {
      const first = describeHttpError(refusal, url);
      const status = error instanceof SseError && error.code ? `HTTP ${error.code}` : 'no event stream';
      throw new Error(`${first}; its older transport answered ${status}: is this the URL of the MCP endpoint?`, {
        cause: error,
      });
    }
    // Its end is the session's end: a stream opened again would be another session.
    sse.onerror = (error) => {
      if (error instanceof SseError) this.#end('closed its event stream', false);
    };
    await sse.send(parse(json));
  }

  #deliver(message: JSONRPCMessage, request: number | undefined): void {
    if (!this.#ended) this.#events?.message(Buffer.from(JSON.stringify(message)), request);
  }

  #end(reason: string, sessionLost: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events?.ended({ reason, sessionLost });
  }

  #later(task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, LAST_EVENT_MS);
    this.#timers.add(timer);
  }

  async #deleteSession(): Promise<void> {
    const post = this.#newPost(Buffer.alloc(0), UNWATCHED);
    await post.start();
    const timer = setTimeout(() => void post.close(), DELETE_MS);
    await post.terminateSession().catch(() => undefined);
    clearTimeout(timer);
  }

  async #drop(post: StreamableHTTPClientTransport): Promise<void> {
    this.#posts.delete(post);
    await post.close();
  }
}

/** What the SDK needs to know of a message whose bytes are sent in its place. */
function stub(id: number | undefined, method: string | undefined): JSONRPCMessage {
  if (id !== undefined) return { jsonrpc: '2.0', id, method: method ?? 'request' };
  return { jsonrpc: '2.0', method: method ?? 'notifications/response' };
}

function parse(json: Buffer): JSONRPCMessage {
  return JSONRPCMessageSchema.parse(JSON.parse(json.toString('utf8')));
}
