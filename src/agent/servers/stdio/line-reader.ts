import { Buffer } from 'node:buffer';
import type { Rooms } from '../rooms.js';
import { LARGE_BYTES, LargeLine } from './large-line.js';

const LINE_FEED = 0x0a;
/** What is kept of each end of a line that is too long. */
const ENDS_BYTES = 4096;

export interface LineReaderEvents {
  /** A line without its line feed; the buffer is the receiver's own. */
  line(line: Buffer): void;
  /** A line longer than the limit, which was dropped but for its first and last bytes. */
  overlong(head: Buffer, tail: Buffer, bytes: number): void;
}

/**
 * Cuts a byte stream into lines. Every byte is copied once, however many chunks a line comes in (of a large line some
 * twice), and a line over the limit takes no memory beyond it.
 */
export class LineReader {
  #chunks: Buffer[] = [];
  /** Holds the line instead of `#chunks`. */
  #large: LargeLine | undefined;
  #bytes = 0;
  #head: Buffer | undefined;

  constructor(
    private readonly limit: number,
    private readonly events: LineReaderEvents,
    private readonly rooms?: Rooms,
  ) {}

  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end < 0) break;
      this.#append(chunk.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    if (start < chunk.length) this.#append(chunk.subarray(start));
  }

  /** Bytes kept of the line that is not whole. */
  get held(): number {
    return Math.min(this.#bytes, this.limit);
  }

  /** The stream has ended: what has no line feed is a line too. */
  end(): void {
    if (this.#bytes > 0) this.#finish();
  }

  #append(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.limit) this.#cut(part);
    else if (this.#large !== undefined) this.#large.append(part);
    else this.#chunks.push(part);
    if (this.#bytes > LARGE_BYTES && this.#bytes <= this.limit) this.#toLarge();
  }

  #toLarge(): void {
    if (this.#large !== undefined) return;
    this.#large = new LargeLine(this.rooms);
    for (const chunk of this.#chunks) this.#large.append(chunk);
    this.#chunks = [];
  }

  /** Keeps the ends of a line that is over the limit. */
  #cut(part: Buffer): void {
    if (this.#large !== undefined) this.#chunks = [this.#large.end()];
    this.#large = undefined;
    this.#chunks.push(part);
    this.#head ??= Buffer.concat(this.#chunks, Math.min(ENDS_BYTES, this.#bytes));
    const last = this.#chunks.length > 1 && part.length < ENDS_BYTES ? Buffer.concat(this.#chunks) : part;
    // A copy, so that a small tail does not keep a large chunk.
    this.#chunks = [Buffer.from(last.subarray(-ENDS_BYTES))];
  }

  #finish(): void {
    const bytes = this.#bytes;
    const head = this.#head;
    const line = this.#large?.end() ?? Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#large = undefined;
    this.#bytes = 0;
    this.#head = undefined;
    if (head) this.events.overlong(head, line, bytes);
    else this.events.line(line);
  }
}
