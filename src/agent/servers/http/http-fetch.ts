import { Buffer } from 'node:buffer';
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch, type RequestInit, Response } from 'undici';
import { isLoopbackLiteral } from '../../../config/urls.js';
import { Gate } from '../gate.js';
import { responseIds } from '../messages.js';
import type { ServerMemory } from '../server-memory.js';
import { eventTap } from './event-tap.js';
import { type Pace, paceOf } from './pace.js';
import { Readings } from './readings.js';

export interface HttpFetchOptions {
  readonly url: string;
  readonly messageBytes: number;
  readonly proxy: { readonly https?: string; readonly http?: string; readonly no?: string };
  /** Counts what is held, here and in other lives of the server. */
  readonly memory?: ServerMemory;
}

/** What one SDK transport's requests bring, told before the SDK sees it. */
export interface ResponseTap {
  onResponse(response: Response, method: string): void;
  /** One message, or a batch, as received; what is returned is shown to the SDK in its place. */
  onMessage(json: Buffer): string;
  /** The event stream can be taken up again after a break. */
  onEventId(): void;
  /** A message over the limit was dropped; both its ends. */
  onOverlong(head: Buffer, tail: Buffer, bytes: number): void;
  /** An event stream has ended in good order; all its messages have been told. */
  onEnd(method: string): void;
  /** Resolves once more messages are wanted; undefined while they are. */
  room(): Promise<void> | undefined;
}

/** A call may be silent for as long as its own deadline allows: undici's five minutes would cut it. */
const PATIENT = { headersTimeout: 0, bodyTimeout: 0 };

const REDIRECTS_MAX = 3;
/** What the responses of one server may hold of messages that are not whole, in largest messages. */
const READINGS = 4;

/** The connections to one server. A server on this machine is never asked through a proxy. */
export class HttpConnections {
  readonly #dispatcher: Dispatcher;
  readonly #gate = new Gate();
  readonly #readings: Readings;

  constructor(private readonly options: HttpFetchOptions) {
    const { url, proxy } = options;
    this.#readings = new Readings(READINGS * options.messageBytes, (more) => options.memory?.reads(more));
    const { http = '', https = '', no = '' } = proxy;
    this.#dispatcher = isLoopbackLiteral(new URL(url).hostname)
      ? new Agent(PATIENT)
      : new EnvHttpProxyAgent({ ...PATIENT, httpsProxy: https, httpProxy: http, noProxy: no });
  }

  /**
   * `fetch` for one SDK transport. The bodies of its POSTs are replaced by `bodyFor` what the SDK wrote, and messages
   * are taken out of the responses before the SDK parses them, so that both pass byte for byte.
   * @param answers whether a JSON body is the answer to a request; otherwise it is nobody's
   */
  fetchFor(bodyFor: (written: string) => Buffer, answers: boolean, tap: ResponseTap): FetchLike {
    return async (target, init) => {
      const method = (init?.method ?? 'GET').toUpperCase();
      const response = await this.#fetch(target, {
        method,
        headers: [...new Headers(init?.headers)],
        body: method === 'POST' ? bodyFor(String(init?.body)) : null,
        redirect: init?.redirect ?? 'manual',
        signal: init?.signal ?? null,
      });
      tap.onResponse(response, method);
      if (isEventStream(response)) return this.#tapped(response, method, tap);
      return method === 'POST' ? this.#readBody(response, answers, tap) : response;
    };
  }

  /** One POST. Redirects within the same origin are followed: no header meant for it goes elsewhere. */
  async post(headers: Readonly<Record<string, string>>, body: Buffer, signal: AbortSignal): Promise<Response> {
    let url = new URL(this.options.url);
    for (let hops = 0; ; hops += 1) {
      const response = await this.#fetch(url.href, {
        method: 'POST',
        headers: { ...headers },
        body,
        redirect: 'manual',
        signal,
      });
      const location = [307, 308].includes(response.status) ? response.headers.get('location') : null;
      const next = location === null || !URL.canParse(location, url.href) ? undefined : new URL(location, url);
      if (next === undefined || next.origin !== url.origin || hops >= REDIRECTS_MAX) return response;
      await response.body?.cancel();
      url = next;
    }
  }

  /** No response is read further. */
  pause(): void {
    this.#gate.shut();
  }

  resume(): void {
    this.#gate.open();
  }

  /** Of one response. @param room see ResponseTap */
  pace(room?: () => Promise<void> | undefined): Pace {
    return paceOf(this.#gate, this.#readings, room);
  }

  async close(): Promise<void> {
    this.#gate.open();
    await this.#dispatcher.destroy();
  }

  async #fetch(url: string | URL, init: RequestInit & { readonly body: Buffer | null }): Promise<Response> {
    const { memory } = this.options;
    const bytes = init.body?.length ?? 0;
    memory?.sends(bytes);
    try {
      return await fetch(url, { ...init, dispatcher: this.#dispatcher });
    } finally {
      memory?.sends(-bytes);
    }
  }

  #tapped(response: Response, method: string, tap: ResponseTap): Response {
    if (!response.body) return response;
    const pace = this.pace(() => tap.room());
    const events = eventTap(response.body, this.options.messageBytes, pace, {
      message: (json) => tap.onMessage(json),
      eventId: () => tap.onEventId(),
      overlong: (head, tail, bytes) => tap.onOverlong(head, tail, bytes),
      end: () => tap.onEnd(method),
    });
    const { status, statusText, headers } = response;
    return new Response(events, { status, statusText, headers });
  }

  /** A body that is the answer, a JSON-RPC error with an HTTP error too, is told; the SDK is shown a 202 for it. */
  async #readBody(response: Response, answers: boolean, tap: ResponseTap): Promise<Response> {
    const { status, statusText, headers } = response;
    const body = await this.#limitedBody(response, tap);
    const isJson = headers.get('content-type')?.toLowerCase().startsWith('application/json') ?? false;
    const isAnswer = answers && isJson && (response.ok || responseIds(body).length > 0);
    if (!isAnswer) return new Response(body.length > 0 ? body : null, { status, statusText, headers });
    tap.onMessage(body);
    return new Response(null, { status: 202, headers });
  }

  #limitedBody(response: Response, tap: ResponseTap): Promise<Buffer> {
    return bodyOf(response, this.options.messageBytes, this.pace(), (head, tail, bytes) =>
      tap.onOverlong(head, tail, bytes),
    );
  }
}

/** A whole body. @throws Error once it is over the limit, after `onOverlong` */
export async function bodyOf(
  response: Response,
  limit: number,
  pace: Pace,
  onOverlong: (head: Buffer, tail: Buffer, bytes: number) => void,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > limit) {
        onOverlong(Buffer.from(chunks[0] ?? []), Buffer.from(chunk), bytes);
        throw new Error('a message over the size limit');
      }
      await pace.next(bytes);
    }
    return Buffer.concat(chunks);
  } finally {
    pace.end();
  }
}

export function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.toLowerCase().startsWith('text/event-stream') ?? false;
}
