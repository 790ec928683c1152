import { Buffer } from 'node:buffer';
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch, Response } from 'undici';

export interface HttpFetchOptions {
  readonly url: string;
  readonly messageBytes: number;
  readonly proxy: { readonly https?: string; readonly http?: string; readonly no?: string };
}

/** Looks at a response before the SDK does. */
export interface ResponseWatch {
  /** Told of every response; may answer with another to hide it from the SDK. */
  onResponse(response: Response, method: string): Promise<Response>;
  /** The body has been received to its end. */
  onEnd(method: string): void;
  /** A message in it is over the limit; what follows is an error of the body. */
  onTooLarge(method: string): void;
}

/** A call may be silent for as long as its own deadline allows: undici's five minutes would cut it. */
const PATIENT = { headersTimeout: 0, bodyTimeout: 0 };
const BLANK_LINES = ['\n\n', '\r\n\r\n'];

/** The connections to one server. A server on this machine is never asked through a proxy. */
export class HttpConnections {
  readonly #dispatcher: Dispatcher;

  constructor(private readonly options: HttpFetchOptions) {
    const { url, proxy } = options;
    const { http = '', https = '', no = '' } = proxy;
    this.#dispatcher = isLoopback(url)
      ? new Agent(PATIENT)
      : new EnvHttpProxyAgent({ ...PATIENT, httpsProxy: https, httpProxy: http, noProxy: no });
  }

  /** `fetch` for one SDK transport. `body` goes out for every POST in place of what the SDK wrote, byte for byte. */
  fetchFor(body: Buffer | undefined, watch: ResponseWatch): FetchLike {
    return async (target, init) => {
      const method = (init?.method ?? 'GET').toUpperCase();
      const response = await fetch(target, {
        method,
        headers: [...new Headers(init?.headers)],
        body: method === 'POST' ? (body ?? String(init?.body)) : null,
        redirect: init?.redirect ?? 'manual',
        signal: init?.signal ?? null,
        dispatcher: this.#dispatcher,
      });
      return this.#limited(await watch.onResponse(response, method), method, watch);
    };
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  /** The response with at most `messageBytes` for one message: the body, or one event of an event stream. */
  #limited(response: Response, method: string, watch: ResponseWatch): Response {
    if (!response.body) return response;
    const { messageBytes } = this.options;
    const events = isEventStream(response);
    let bytes = 0;
    const limit = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        const blanks = events ? BLANK_LINES.map((line) => [text.indexOf(line), text.lastIndexOf(line)] as const) : [];
        const first = Math.min(...blanks.map(([index]) => (index < 0 ? text.length : index)), text.length);
        const last = Math.max(...blanks.map(([, index]) => index), -1);
        if (bytes + first > messageBytes) {
          watch.onTooLarge(method);
          throw new Error(`a message over the limit of ${messageBytes} bytes`);
        }
        bytes = last < 0 ? bytes + text.length : text.length - last;
        controller.enqueue(chunk);
      },
      flush: () => watch.onEnd(method),
    });
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(limit), { status, statusText, headers });
  }
}

export function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.toLowerCase().startsWith('text/event-stream') ?? false;
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
