import { Buffer } from 'node:buffer';

/** Of all that are kept for lines to come: enough for one of 60 MiB. A larger room is not kept. */
const KEPT_BYTES = 96 * 1024 * 1024;
const LARGEST_BYTES = 64 * 1024 * 1024;
/** Since the last was given back. */
const KEPT_MS = 5_000;

const OWNER = Symbol('rooms');

/**
 * Memory that the large lines of one server lie in, one after the other: fresh memory for each costs a page fault every
 * 4 KiB, and when bytes outside its heap have grown by 64 MiB, V8 collects everything.
 */
export class Rooms {
  /** The smallest first. */
  #kept: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Bytes of those that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The smallest of at least so many bytes, which are any bytes; undefined when none is kept. */
  take(bytes: number): Buffer | undefined {
    const index = this.#kept.findIndex((room) => room.length >= bytes);
    const [room] = index < 0 ? [] : this.#kept.splice(index, 1);
    this.#bytes -= room?.length ?? 0;
    return room;
  }

  /** From now on a message lies in this room; whoever reads it last may give it back. */
  lend(room: Buffer): void {
    Object.defineProperty(room.buffer, OWNER, { value: this });
  }

  /** Takes a room that nobody else has seen. */
  keep(room: Buffer): void {
    if (this.#closed || room.length > LARGEST_BYTES || this.#bytes + room.length > KEPT_BYTES) return;
    this.#kept.push(room);
    this.#kept.sort((one, other) => one.length - other.length);
    this.#bytes += room.length;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#drop(), KEPT_MS).unref();
  }

  /** Keeps nothing any more. */
  close(): void {
    this.#closed = true;
    this.#drop();
  }

  /**
   * Nobody reads this message any more: if it lies in a room that was lent, the room goes back. Whoever has it has it no
   * longer then: its memory is taken out of all hands, so that one that reads it nevertheless finds it empty, and never
   * another's message in it.
   */
  static giveBack(message: Uint8Array): void {
    const memory: ArrayBufferLike & { readonly [OWNER]?: Rooms } = message.buffer;
    const rooms = memory[OWNER];
    // One that has been given back is empty.
    if (rooms === undefined || !(memory instanceof ArrayBuffer) || memory.byteLength === 0) return;
    rooms.keep(Buffer.from(structuredClone(memory, { transfer: [memory] })));
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#kept = [];
    this.#bytes = 0;
  }
}
