import { Buffer } from 'node:buffer';
import { stringStop } from '../../../protocol/json-strings.js';
import { LongStrings } from '../../../protocol/long-strings.js';
import type { Rooms } from '../rooms.js';

/** A line that grows beyond this is read as it comes. */
export const LARGE_BYTES = 1024 * 1024;
/** Room grows by this factor: of a line of 60 MiB 21 MiB are moved, so much with each chunk that comes. */
const GROWTH = 4;
/** A text with a string in fewer bytes than this is no large message of the kind that this is for. */
const SPARSE_BYTES = 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OBJECT = 0x7b;
/** Of the longest escape. */
const ESCAPE_BYTES = 6;
const NOTHING = Buffer.alloc(0);

/**
 * A large line while it comes. Its bytes are put in one place, and its long strings are read, chunk by chunk: done at its
 * end, both would keep all other calls of this agent waiting, for 100 ms at 60 MiB.
 */
export class LargeLine {
  readonly #strings = new LongStrings();
  #bytes: Buffer = NOTHING;
  #length = 0;
  /** Smaller room of before, and how much of its beginning has not been moved yet. */
  #smaller: Buffer = NOTHING;
  #unmoved = 0;
  /** What lies before this has been read. */
  #read = 0;
  /** Where the string begins that the next byte is in; undefined between strings. */
  #start: number | undefined;
  #count = 0;
  /** What is not read here is read when it is whole: text that is no JSON, or that has many short strings. */
  #reading = true;

  /** @param rooms where the line may lie @param room bytes to begin with */
  constructor(
    private readonly rooms: Rooms | undefined,
    private readonly room = LARGE_BYTES,
  ) {}

  append(part: Buffer): void {
    const length = this.#length + part.length;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(part, this.#length);
    this.#move(Math.max(part.length * GROWTH, ESCAPE_BYTES));
    this.#length = length;
    while (this.#reading && this.#read < length) if (!this.#step()) return;
  }

  /** The whole line, in memory that knows its long strings. Lent by `rooms` where it is a single message. */
  end(): Buffer {
    this.#move(this.#unmoved);
    if (this.#bytes[0] === OBJECT) this.rooms?.lend(this.#bytes);
    return this.#bytes.subarray(0, this.#length);
  }

  /** Memory that is not touched yet takes no room but in the process's address space. */
  #grow(needed: number): void {
    this.#move(this.#unmoved);
    this.#smaller = this.#bytes;
    this.#unmoved = this.#length;
    this.#bytes = this.rooms?.take(needed) ?? Buffer.allocUnsafeSlow(this.#roomFor(needed));
    this.#strings.knownOf(this.#bytes.buffer);
  }

  /** Of few sizes, so that a room fits other lines too. */
  #roomFor(needed: number): number {
    let bytes = this.room;
    while (bytes < needed) bytes *= GROWTH;
    return bytes;
  }

  /** From its end on: that is read next. */
  #move(bytes: number): void {
    if (this.#unmoved === 0) return;
    const from = Math.max(0, this.#unmoved - bytes);
    this.#bytes.set(this.#smaller.subarray(from, this.#unmoved), from);
    this.#unmoved = from;
    if (from > 0) return;
    this.rooms?.keep(this.#smaller);
    this.#smaller = NOTHING;
  }

  /** Reads to where a string begins or ends. False when that has not come yet. */
  #step(): boolean {
    const text = this.#bytes.subarray(0, this.#length);
    if (this.#start === undefined) {
      const quote = text.indexOf(QUOTE, this.#read);
      this.#read = quote < 0 ? this.#length : quote + 1;
      if (quote >= 0) this.#start = quote;
      return quote >= 0;
    }
    this.#read = stringStop(text, this.#read);
    const stop = text[this.#read];
    if (stop === QUOTE) this.#found(this.#start, this.#read + 1);
    // An escape may go on in the next chunk; anything else is for those to refuse who read the whole.
    else if (stop !== undefined && !(stop === BACKSLASH && this.#read + ESCAPE_BYTES > this.#length))
      this.#reading = false;
    return stop === QUOTE;
  }

  #found(start: number, end: number): void {
    this.#strings.found(start, end);
    this.#start = undefined;
    this.#read = end;
    this.#count += 1;
    if (this.#count * SPARSE_BYTES > LARGE_BYTES + end) this.#reading = false;
  }
}
