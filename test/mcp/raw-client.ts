import type { TestRelay } from './test-relay.js';

export interface RawOptions {
  readonly session?: string;
  readonly accept?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What a JSON-RPC response of the relay may hold. */
export interface RpcReply {
  readonly id: unknown;
  readonly result: {
    readonly protocolVersion?: string;
    readonly capabilities?: unknown;
    readonly serverInfo?: unknown;
    readonly instructions?: string;
    readonly tools: readonly Readonly<Record<string, unknown>>[];
    readonly nextCursor?: string;
    readonly content: readonly { readonly text: string }[];
    readonly structuredContent?: unknown;
    readonly isError?: boolean;
  };
  readonly error: { readonly code: number; readonly message: string };
}

/** A response's JSON body. */
export async function replyOf(response: Response): Promise<RpcReply> {
  return (await response.json()) as RpcReply;
}

/** One event's JSON-RPC message. */
/** How a request was refused. */
export async function refusal(response: Promise<Response>): Promise<{ status: number; id: unknown; code: number }> {
  const { status } = await response;
  const { id, error } = await replyOf(await response);
  return { status, id, code: error.code };
}

export function replyIn(event: SseEvent | undefined): RpcReply {
  return JSON.parse(event?.data ?? 'null') as RpcReply;
}

export interface SseEvent {
  readonly id?: string;
  readonly retry?: string;
  readonly data: string;
}

/** Speaks HTTP by hand, so that a test sees every byte and may be as wrong as it likes. */
export class RawClient {
  #session: string | undefined;

  private constructor(
    readonly url: string,
    readonly token: string,
  ) {}

  /** @param at the part of the path behind /mcp, e.g. `/laptop` */
  static async of(relay: TestRelay, principal?: Parameters<TestRelay['token']>[0], at = ''): Promise<RawClient> {
    return new RawClient(`${relay.url}${at}`, await relay.token(principal));
  }

  /** With a session of this protocol version. */
  static async ready(
    relay: TestRelay,
    version = '2025-11-25',
    principal?: Parameters<TestRelay['token']>[0],
    at = '',
  ): Promise<RawClient> {
    const client = await RawClient.of(relay, principal, at);
    await client.initialize(version);
    return client;
  }

  get session(): string {
    if (this.#session === undefined) throw new Error('no session');
    return this.#session;
  }

  async initialize(protocolVersion: string, more: object = {}): Promise<{ response: Response; body: RpcReply }> {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' }, ...more };
    const response = await this.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const body = await replyOf(response);
    this.#session = response.headers.get('mcp-session-id') ?? undefined;
    return { response, body };
  }

  /** @param message an object, or a body as it is */
  post(message: unknown, options: RawOptions = {}): Promise<Response> {
    const body = typeof message === 'string' || isBytes(message) ? message : JSON.stringify(message);
    return this.#fetch('POST', options, body);
  }

  call(
    id: unknown,
    name: string,
    args: object = {},
    options: RawOptions & { readonly meta?: object } = {},
  ): Promise<Response> {
    const params = { name, arguments: args, ...(options.meta === undefined ? {} : { _meta: options.meta }) };
    return this.post({ jsonrpc: '2.0', id, method: 'tools/call', params }, options);
  }

  request(id: unknown, method: string, params?: object): Promise<Response> {
    return this.post({ jsonrpc: '2.0', id, method, params });
  }

  send(method: string, options: RawOptions = {}): Promise<Response> {
    return this.#fetch(method, options);
  }

  #fetch(method: string, options: RawOptions, body?: string | Uint8Array<ArrayBuffer>): Promise<Response> {
    const headers = new Headers({ Authorization: `Bearer ${this.token}` });
    const accept = options.accept === undefined ? 'application/json, text/event-stream' : options.accept;
    if (accept !== null) headers.set('Accept', accept);
    if (body !== undefined) headers.set('Content-Type', 'application/json');
    const session = options.session ?? this.#session;
    if (session !== undefined && session !== '') headers.set('Mcp-Session-Id', session);
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
    return fetch(this.url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  }
}

function isBytes(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array;
}

/** Reads an event stream event by event; comments are counted, not returned. */
export class SseReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = '';
  comments = 0;

  constructor(response: Response) {
    if (response.body === null) throw new Error('no body');
    this.#reader = response.body.getReader();
  }

  /** The next event, or undefined at the end. */
  async next(): Promise<SseEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end === -1) {
        const { done, value } = await this.#reader.read();
        if (done) return undefined;
        this.#text += this.#decoder.decode(value, { stream: true });
        continue;
      }
      const lines = this.#text.slice(0, end).split('\n');
      this.#text = this.#text.slice(end + 2);
      if (lines.every((line) => line.startsWith(':'))) {
        this.comments += 1;
        continue;
      }
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const id = field('id');
      const retry = field('retry');
      return {
        data: field('data') ?? '',
        ...(id === undefined ? {} : { id }),
        ...(retry === undefined ? {} : { retry }),
      };
    }
  }

  /** What the next event with data says; rejects when the stream ends before one. */
  async message<T = unknown>(): Promise<T> {
    for (let event = await this.next(); event !== undefined; event = await this.next()) {
      if (event.data !== '') return JSON.parse(event.data) as T;
    }
    throw new Error('the stream ended');
  }

  /** Waits for a comment. */
  async comment(): Promise<void> {
    const before = this.comments;
    while (this.comments === before) {
      const { done, value } = await this.#reader.read();
      if (done) throw new Error('the stream ended');
      const text = this.#decoder.decode(value, { stream: true });
      if (text.startsWith(':')) this.comments += 1;
      else this.#text += text;
    }
  }

  async rest(): Promise<SseEvent[]> {
    const events: SseEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(event);
    return events;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}
