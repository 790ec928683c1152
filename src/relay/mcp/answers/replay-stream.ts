import type { ServerResponse } from 'node:http';
import { ErrorCode, errorResponse } from '../json-rpc.js';
import { formatEventId, requestTag } from './event-id.js';
import { EVENT_END, EventStream, eventStart, primingEvent } from './event-stream.js';

export interface ReplaySettings {
  /** What the stream may keep. */
  readonly replayBytes: number;
  readonly keepaliveSeconds: number;
  /** Begin with an event that has an id and no message; clients before 2025-11-25 may choke on it. */
  readonly prime: boolean;
}

interface KeptEvent {
  readonly sequence: number;
  readonly chunks: Buffer[];
}

const EMPTY = Buffer.alloc(0);
const RETRY_MS = 1000;
const TOO_LARGE = 'The tool ran, but its result is too large to be sent again after the connection was lost.';

/**
 * The events of one call: its notifications, then its response. They go to whichever connection is attached, and
 * are kept within bounds for a client that lost it and comes back with the id of the last event it saw.
 */
export class ReplayStream {
  readonly #tag: string;
  #kept: KeptEvent[] = [];
  #keptBytes = 0;
  #sequence = 0;
  #out: EventStream | undefined;
  #owed = 0;
  #response: 'none' | 'begun' | 'whole' | 'abandoned' = 'none';
  /** The response is not kept whole: too large, or the stream was given up. */
  #lost = false;
  #endedAt: number | undefined;

  /**
   * @param taken told how many of the bytes given have left, or will never
   * @param kept told by how much the kept bytes have grown or shrunk
   */
  constructor(
    readonly name: string,
    private readonly requestId: string,
    private readonly settings: ReplaySettings,
    private readonly taken: (bytes: number) => void,
    private readonly kept: (bytes: number) => void,
  ) {
    this.#tag = requestTag(requestId);
  }

  /** Milliseconds since the epoch; undefined while the call runs. */
  get endedAt(): number | undefined {
    return this.#endedAt;
  }

  /** The first connection. */
  open(res: ServerResponse): void {
    this.#attach(res);
    if (this.settings.prime) this.#out?.write(primingEvent(this.#id(0), RETRY_MS), true);
  }

  /** True when a client that saw event `sequence` has something to wait for. */
  hasMore(sequence: number): boolean {
    if (this.#response === 'abandoned') return false;
    return this.#response !== 'whole' || sequence < this.#sequence;
  }

  /** A client came back: sends what followed event `sequence`, then what is still to come. */
  resume(res: ServerResponse, sequence: number): void {
    this.#attach(res);
    if (this.#lost) {
      this.#tellLost();
      return;
    }
    for (const event of this.#kept) {
      if (event.sequence <= sequence) continue;
      event.chunks.forEach((chunk, index) => {
        this.#out?.write(chunk, this.#isEnd(event, index));
      });
    }
    if (this.#response === 'whole') this.#out?.end();
  }

  /** A notification of the call. */
  event(json: Buffer, owed: number): void {
    this.#sequence += 1;
    const bytes = Buffer.concat([eventStart(this.#id(this.#sequence)), json, EVENT_END]);
    this.#kept.push({ sequence: this.#sequence, chunks: [] });
    this.#send(bytes, true, owed);
  }

  /** A part of the response; the first has a `head`, the last a `tail`. Ends the connection after the last. */
  part(head: Buffer | undefined, json: Buffer, tail: Buffer | undefined, owed: number): void {
    const parts: Buffer[] = [];
    if (head !== undefined) {
      this.#sequence += 1;
      this.#response = 'begun';
      this.#kept.push({ sequence: this.#sequence, chunks: [] });
      parts.push(eventStart(this.#id(this.#sequence)), head);
    }
    parts.push(json);
    if (tail !== undefined) parts.push(tail, EVENT_END);
    if (tail !== undefined) this.#response = 'whole';
    this.#send(parts.length === 1 ? json : Buffer.concat(parts), tail !== undefined, owed);
    if (tail === undefined) return;
    this.#endedAt = Date.now();
    this.#out?.end();
  }

  /** The response that was begun will never be whole. Its event becomes one that is no JSON; `error` follows as the response. */
  breakOff(error: Buffer): void {
    this.forget();
    this.#lost = false;
    this.#out?.write(EVENT_END, true);
    this.part(error.subarray(0, -1), error.subarray(-1), EMPTY, 0);
  }

  /** The call was cancelled or its session is over: nothing more is sent, nothing is kept. */
  abandon(): void {
    this.#endedAt ??= Date.now();
    this.#response = 'abandoned';
    this.forget();
    this.#out?.end();
  }

  /** Frees what is kept. */
  forget(): void {
    this.kept(-this.#keptBytes);
    this.#keptBytes = 0;
    this.#kept = [];
  }

  #id(sequence: number): string {
    return formatEventId(this.name, sequence, this.#tag);
  }

  #isEnd(event: KeptEvent, index: number): boolean {
    const unfinished = this.#response === 'begun' && event.sequence === this.#sequence;
    return index === event.chunks.length - 1 && !unfinished;
  }

  #send(bytes: Buffer, whole: boolean, owed: number): void {
    this.#keep(bytes);
    if (this.#out === undefined || this.#out.write(bytes, whole)) this.taken(owed);
    else this.#owed += owed;
  }

  #keep(bytes: Buffer): void {
    if (this.#lost) return;
    this.#kept.at(-1)?.chunks.push(bytes);
    this.#grow(bytes.length);
    while (this.#keptBytes > this.settings.replayBytes) {
      const oldest = this.#kept.shift();
      for (const chunk of oldest?.chunks ?? []) this.#grow(-chunk.length);
      // A notification may go; a response that has lost its beginning is lost.
      if (this.#kept.length === 0) this.#lost = this.#response !== 'none';
    }
  }

  #grow(bytes: number): void {
    this.#keptBytes += bytes;
    this.kept(bytes);
  }

  #attach(res: ServerResponse): void {
    const before = this.#out;
    const out = new EventStream(res, this.settings.keepaliveSeconds, {
      drained: () => this.#release(),
      closed: () => {
        if (this.#out !== out) return;
        this.#out = undefined;
        this.#release();
      },
    });
    this.#out = out;
    this.#release();
    before?.end();
  }

  #release(): void {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0) this.taken(owed);
  }

  /** What is still to come of the response has nowhere to go. */
  #tellLost(): void {
    const error = errorResponse(this.requestId, ErrorCode.internal, TOO_LARGE);
    this.#out?.write(Buffer.concat([eventStart(this.#id(this.#sequence)), error, EVENT_END]), true);
    this.#out?.end();
    this.#out = undefined;
    if (this.#response === 'begun') this.#response = 'abandoned';
  }
}
