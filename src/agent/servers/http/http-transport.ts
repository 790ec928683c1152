import { Buffer } from 'node:buffer';
import { SSEClientTransport, SseError } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Response } from 'undici';
import type { ServerReason } from '../../../protocol/server-state.js';
import { idOfCutResponse, responseIds } from '../messages.js';
import { type Outgoing, SessionLostError, type Transport, type TransportEvents } from '../transport.js';
import { ServerError, StartError } from '../types.js';
import { describeHttpError, httpReason, isSessionLost, isUnreachable, postError, statusOf } from './http-errors.js';
import { HttpConnections, type HttpFetchOptions, isEventStream, type ResponseTap } from './http-fetch.js';

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
const UNTAPPED: ResponseTap = {
  onResponse: () => {},
  onMessage: () => '',
  onEventId: () => {},
  onOverlong: () => {},
  onEnd: () => {},
  room: () => undefined,
};

export interface HttpTransportOptions extends HttpFetchOptions {
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A server over Streamable HTTP, or over the HTTP+SSE of 2024-11-05 where it has only that.
 *
 * Each message goes out through an SDK transport of its own, all with one session id: so it is certain on which
 * request's stream something arrives, and a stream that breaks fails its own request. The SDK does sessions, streams,
 * resumption and redirects; the messages themselves pass it by (`http-fetch.ts`), byte for byte both ways.
 */
export class HttpTransport implements Transport {
  readonly #connections: HttpConnections;
  readonly #posts = new Set<StreamableHTTPClientTransport>();
  readonly #byRequest = new Map<number, StreamableHTTPClientTransport>();
  /** Of the old transport: the bytes to send, by what the SDK writes in their place. */
  readonly #bodies = new Map<string, Buffer>();
  #sent = 0;
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
    if (this.#sse) await this.#sendBySse(this.#sse, json, outgoing);
    else await this.#post(json, outgoing);
    return true;
  }

  release(request: number): void {
    const post = this.#byRequest.get(request);
    this.#byRequest.delete(request);
    // Not before what has just come on it has been taken.
    if (post) queueMicrotask(() => void this.#drop(post));
  }

  negotiated(protocolVersion: string): void {
    this.#protocolVersion = protocolVersion;
    this.#sse?.setProtocolVersion(protocolVersion);
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
    const lost = this.#ended;
    this.#ended = true;
    if (this.#sessionId !== undefined && !lost) await this.#deleteSession();
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
    const post = this.#newPost(json, request !== undefined, {
      onResponse: (response, verb) => {
        if (verb === 'GET') this.#onListenResponse(response, listening);
        if (verb === 'POST' && method === 'initialize')
          this.#sessionId = response.headers.get('mcp-session-id') ?? undefined;
        reply.streaming = isEventStream(response);
      },
      onMessage: (message) => {
        const ids = responseIds(message);
        if (request !== undefined && ids.includes(request)) reply.answered = true;
        this.#deliver(message, request);
        return standIn(ids);
      },
      onEventId: () => {
        reply.resumable = true;
      },
      onOverlong: (_head, _tail, bytes) => fail('too_large', this.#tooLarge(bytes)),
      onEnd: (verb) => {
        if (verb === 'POST' && !reply.resumable) lose();
      },
      room: () => (request === undefined ? undefined : this.#events?.room?.(request)),
    });
    post.onerror = (error) => {
      if (reply.sending) return; // the rejection of send() tells it
      if (request !== undefined && (!reply.resumable || GAVE_UP.test(error.message))) lose();
      if (request === undefined && listening.open && GAVE_UP.test(error.message)) {
        this.#end('unreachable', 'closed its event stream and cannot be reached');
      }
    };
    if (request !== undefined) this.#byRequest.set(request, post);
    try {
      await post.start();
      await post.send(stub(request, method));
      reply.sending = false;
      if (!reply.streaming) lose();
      // `initialized` opens the stream for what belongs to no request; it stays.
      if (request === undefined && method !== 'notifications/initialized') await this.#drop(post);
    } catch (error) {
      if (request === undefined) await this.#drop(post);
      if (method === 'initialize' && FALL_BACK_ON.includes(statusOf(error) ?? 0)) await this.#fallBack(json, error);
      else this.#onPostFailed(error, request, method);
    }
  }

  #newPost(json: Buffer, answers: boolean, tap: ResponseTap): StreamableHTTPClientTransport {
    const { url, headers } = this.options;
    const post = new StreamableHTTPClientTransport(new URL(url), {
      fetch: this.#connections.fetchFor(() => json, answers, tap),
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
    if (method === 'initialize') {
      throw new StartError(httpReason(error), describeHttpError(error, this.options.url), { cause: error });
    }
    const lost = this.#sessionId !== undefined && isSessionLost(statusOf(error), String(error));
    if (request !== undefined) this.#events?.failed(request, lost ? new SessionLostError() : postError(error));
    if (lost) this.#end('exited', 'ended the session', true);
    else if (isUnreachable(error)) this.#end('unreachable', 'cannot be reached any more');
  }

  /** The stream for what belongs to no request. A server without one answers 405, or anything else the first time. */
  #onListenResponse(response: Response, listening: { open: boolean }): void {
    if (response.ok) listening.open = true;
    else if (listening.open && isSessionLost(response.status, 'session'))
      this.#end('exited', 'ended the session', true);
  }

  /** The transport of 2024-11-05: one event stream down, POSTs up. */
  async #fallBack(json: Buffer, refusal: unknown): Promise<void> {
    const { url, headers } = this.options;

    const sse = new SSEClientTransport(new URL(url), {
      fetch: this.#connections.fetchFor((written) => this.#bodies.get(written) ?? Buffer.from(written), false, {
        ...UNTAPPED,
        onMessage: (message) => {
          this.#deliver(message, undefined);
          return '';
        },
        onOverlong: (head, tail, bytes) => {
          const id = idOfCutResponse(head, tail);
          this.#events?.failed(id, new ServerError('too_large', this.#tooLarge(bytes), true));
        },
      }),
      requestInit: { headers: { ...headers } },
    });
    this.#sse = sse;
    try {
      await sse.start();
    } catch (error) {
      const first = describeHttpError(refusal, url);
      const status = error instanceof SseError && error.code ? `HTTP ${error.code}` : 'no event stream';
      const problem = `${first}; its older transport answered ${status}: is this the URL of the MCP endpoint?`;
      throw new StartError(httpReason(refusal), problem, { cause: error });
    }
    // Its end is the session's end: a stream opened again would be another session.
    sse.onerror = (error) => {
      if (error instanceof SseError) this.#end('exited', 'closed its event stream');
    };
    await this.#sendBySse(sse, json, { request: 1, method: 'initialize' });
  }

  async #sendBySse(sse: SSEClientTransport, json: Buffer, { request }: Outgoing): Promise<void> {
    // One `fetch` serves them all, so each message has a stub of its own to be known by.
    this.#sent += 1;
    const message = stub(request, `message ${this.#sent}`);
    const written = JSON.stringify(message);
    this.#bodies.set(written, json);
    try {
      await sse.send(message);
    } catch (error) {
      // Its text may quote the server's answer, which is not for clients.
      throw new Error('the server did not take the message', { cause: error });
    } finally {
      this.#bodies.delete(written);
    }
  }

  #deliver(json: Buffer, request: number | undefined): void {
    if (!this.#ended) this.#events?.message(json, request);
  }

  #tooLarge(bytes: number): string {
    return `the server sent a message of ${bytes} bytes or more; the limit is ${this.options.messageBytes}`;
  }

  #end(reason: ServerReason, problem: string, sessionLost = false): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events?.ended({ reason, problem, sessionLost });
  }

  async #deleteSession(): Promise<void> {
    const post = this.#newPost(Buffer.alloc(0), false, UNTAPPED);
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

/** What the SDK is shown of a message that was taken out: that its request has been answered, or nothing. */
function standIn(answered: readonly number[]): string {
  return answered.length > 0 ? JSON.stringify({ jsonrpc: '2.0', id: answered[0], result: {} }) : '';
}
