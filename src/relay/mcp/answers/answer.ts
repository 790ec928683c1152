import type { ServerResponse } from 'node:http';
import type { SharedResponse } from '../json-rpc.js';
import type { Accepts } from './accept.js';

/** Where the parts of one response go. `owed` bytes count as taken when they have left, or will never. */
export interface ReplyTarget {
  /**
   * A message ahead of the response: one line of JSON.
   * @returns false where there is no way to the client, now or later
   */
  event(json: Buffer, owed: number): boolean;
  /**
   * A part of the response; the first has a `head`, the last a `tail`.
   * @param errorCode with the first part of an error whose code can be told: it may decide the HTTP status
   */
  part(head: Buffer | undefined, json: Buffer, tail: Buffer | undefined, owed: number, errorCode?: number): void;
  /** The response that was begun will never be whole: `error` is one in its place, where there is still a way to send it. */
  breakOff(error: Buffer): void;
  /** There will be no response. */
  abandon(): void;
}

/** An answer as an event stream, to the connection that `open` gives it. */
export interface AnswerStream extends Omit<ReplyTarget, 'event'> {
  event(json: Buffer, owed: number): void;
  open(res: ServerResponse): void;
}

export interface AnswerSettings {
  readonly accepts: Accepts;
  readonly silentSeconds: number;
  /** Makes the stream when the answer turns out to be one. */
  openStream(taken: (bytes: number) => void): AnswerStream;
  /** HTTP status of an error that is there before anything was sent. Default: 200 for all. */
  errorStatus?(code: number): number;
}

const JSON_HEADERS = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
} as const;

/**
 * The HTTP response to one POST whose answer may take time: JSON as it stands when the answer comes soon, an event
 * stream from the first notification on or after a silence. A client that leaves cancels nothing of itself (25N
 * transports, "Sending Messages"): parts go on being taken, and a stream may keep them for resumption.
 */
export class Answer implements ReplyTarget {
  #state: 'waiting' | 'json' | 'stream' | 'over' = 'waiting';
  #silence: NodeJS.Timeout | undefined;
  #stream: AnswerStream | undefined;
  #owed = 0;

  constructor(
    private readonly res: ServerResponse,
    private readonly settings: AnswerSettings,
    private readonly taken: (bytes: number) => void,
  ) {
    if (!settings.accepts.events) return;
    this.#silence = setTimeout(() => {
      if (this.#state === 'waiting') this.#toStream();
    }, settings.silentSeconds * 1000);
  }

  event(json: Buffer, owed: number): boolean {
    if (this.#state === 'waiting' && this.settings.accepts.events) this.#toStream();
    if (this.#stream === undefined) this.taken(owed);
    else this.#stream.event(json, owed);
    return this.#stream !== undefined;
  }

  part(head: Buffer | undefined, json: Buffer, tail: Buffer | undefined, owed: number, errorCode?: number): void {
    if (this.#state === 'waiting') this.#begin(head, json, tail, this.#status(errorCode));
    if (this.#stream !== undefined) this.#stream.part(head, json, tail, owed);
    else if (this.#state === 'json') this.#writeJson(head, json, tail, owed);
    else this.taken(owed);
    if (tail !== undefined) this.#end();
  }

  breakOff(error: Buffer): void {
    this.#end();
    if (this.#stream !== undefined) this.#stream.breakOff(error);
    else this.res.destroy();
  }

  abandon(): void {
    const state = this.#state;
    this.#end();
    if (this.#stream !== undefined) this.#stream.abandon();
    else if (state === 'json') this.res.destroy();
    else if (state === 'waiting' && this.#open()) this.res.writeHead(202).end();
  }

  #begin(head: Buffer | undefined, json: Buffer, tail: Buffer | undefined, status: number): void {
    clearTimeout(this.#silence);
    if (!this.#open()) this.#state = 'over';
    // An event stream has one status, so what is refused is told as JSON.
    else if (!this.settings.accepts.json && status === 200) this.#toStream();
    else if (head !== undefined && tail !== undefined) {
      sendJson(this.res, status, Buffer.concat([head, json, tail]));
      this.#state = 'over';
    } else this.#toJson(status);
  }

  #status(errorCode: number | undefined): number {
    return errorCode === undefined ? 200 : (this.settings.errorStatus?.(errorCode) ?? 200);
  }

  #toJson(status: number): void {
    this.#state = 'json';
    this.res.on('drain', () => this.#release());
    this.res.once('close', () => this.#release());
    this.res.on('error', () => this.res.destroy());
    this.res.writeHead(status, JSON_HEADERS);
  }

  #writeJson(head: Buffer | undefined, json: Buffer, tail: Buffer | undefined, owed: number): void {
    if (!this.#open()) {
      this.taken(owed);
      return;
    }
    const bytes = head === undefined ? json : Buffer.concat([head, json]);
    if (this.res.write(bytes)) this.taken(owed);
    else this.#owed += owed;
    if (tail !== undefined) this.res.end(tail);
  }

  #toStream(): void {
    clearTimeout(this.#silence);
    if (!this.#open()) {
      this.#state = 'over';
      return;
    }
    this.#state = 'stream';
    this.#stream = this.settings.openStream(this.taken);
    this.#stream.open(this.res);
  }

  #open(): boolean {
    return !this.res.destroyed && !this.res.writableEnded;
  }

  #release(): void {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0) this.taken(owed);
  }

  #end(): void {
    clearTimeout(this.#silence);
    this.#state = 'over';
  }
}

/** A larger body goes to the socket as it is. */
const COPIED_BYTES = 64 * 1024;

/** A whole JSON body in one go. Does nothing when the client is gone. */
export function sendJson(res: ServerResponse, status: number, body: Buffer): void {
  if (res.destroyed || res.writableEnded) return;
  writeJsonHead(res, status, body.length);
  // Node joins headers and body into one write when the body is a string; in latin1 each byte stays what it is.
  if (body.length <= COPIED_BYTES) res.end(body.toString('latin1'), 'latin1');
  else res.end(body);
}

/** The same of a response whose larger part is not its own: it is not copied, and leaves in one write with the rest. */
export function sendShared(res: ServerResponse, { head, ending }: SharedResponse): void {
  if (res.destroyed || res.writableEnded) return;
  writeJsonHead(res, 200, Buffer.byteLength(head) + ending.length);
  res.cork();
  res.write(head);
  res.end(ending);
}

function writeJsonHead(res: ServerResponse, status: number, bytes: number): void {
  res.writeHead(status, {
    'Content-Type': JSON_HEADERS['Content-Type'],
    'Cache-Control': JSON_HEADERS['Cache-Control'],
    'X-Accel-Buffering': JSON_HEADERS['X-Accel-Buffering'],
    'Content-Length': bytes,
  });
}
