import type { ServerResponse } from 'node:http';
import type { SharedResponse } from '../json-rpc.js';

/** The one place where Server-Sent Events are encoded and written (HTML Living Standard §9.2). */

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // nginx and others hold answers back without it
  'X-Accel-Buffering': 'no',
} as const;

const COMMENT = Buffer.from(':\n\n');

/** Ends an event begun with `eventStart`. */
export const EVENT_END = Buffer.from('\n\n');

/** Beginning of a message event; one line of data and EVENT_END follow. */
export function eventStart(id?: string): Buffer {
  return Buffer.from(id === undefined ? 'data: ' : `id: ${id}\ndata: `);
}

/** An event without a message, that gives the client an id to come back with, and the time to wait before it does. */
export function primingEvent(id: string, retryMs: number): Buffer {
  return Buffer.from(`id: ${id}\nretry: ${retryMs}\ndata: \n\n`);
}

/** A stream of one event that is there at once. Does nothing when the client is gone. */
export function sendOneEvent(res: ServerResponse, json: Buffer, id?: string): void {
  if (res.destroyed || res.writableEnded) return;
  res.writeHead(200, HEADERS);
  res.end(Buffer.concat([eventStart(id), json, EVENT_END]));
}

/** The same of a message whose larger part is not this response's own: it is not copied. */
export function sendSharedEvent(res: ServerResponse, { head, ending }: SharedResponse): void {
  if (res.destroyed || res.writableEnded) return;
  const start = `data: ${head}`;
  // With a length there are no chunks, which Node 24 writes behind the end of a response that is corked.
  const bytes = Buffer.byteLength(start) + ending.length + EVENT_END.length;
  res.writeHead(200, { ...HEADERS, 'Content-Length': bytes });
  res.cork();
  res.write(start);
  res.write(ending);
  res.end(EVENT_END);
}

export interface StreamHooks {
  /** What was written has left; after a `write` that returned false. */
  drained(): void;
  /** Ended, by us or by the client. Once. */
  closed(): void;
}

/** One HTTP response as an event stream, with comments that keep proxies from cutting it. Never throws. */
export class EventStream {
  readonly #keepalive: NodeJS.Timeout;
  #betweenEvents = true;

  constructor(
    private readonly res: ServerResponse,
    keepaliveSeconds: number,
    hooks: StreamHooks,
  ) {
    this.#keepalive = setInterval(() => this.#comment(), keepaliveSeconds * 1000);
    res.on('drain', () => hooks.drained());
    res.on('error', () => res.destroy());
    res.once('close', () => {
      clearInterval(this.#keepalive);
      hooks.closed();
    });
    if (res.destroyed) {
      clearInterval(this.#keepalive);
      queueMicrotask(() => hooks.closed());
    } else {
      res.writeHead(200, HEADERS);
      res.flushHeaders();
    }
  }

  /**
   * @param whole the bytes end an event; false while more of it is to come
   * @returns false when the client does not keep up: `drained` or `closed` follows
   */
  write(bytes: Buffer, whole: boolean): boolean {
    this.#betweenEvents = whole;
    if (this.res.destroyed || this.res.writableEnded) return true;
    return this.res.write(bytes);
  }

  end(): void {
    clearInterval(this.#keepalive);
    if (!this.res.destroyed && !this.res.writableEnded) this.res.end();
  }

  #comment(): void {
    if (this.#betweenEvents && !this.res.writableNeedDrain) this.write(COMMENT, true);
  }
}
