import { type Frame, FrameType, type FrameTypeCode } from './frames.js';
import { MessageError } from './message-reader.js';

/** A chunk of a socket has 64 KiB at most. */
const KEPT_AS_IT_IS = 32 * 1024;

interface Partial {
  readonly pieces: Buffer[];
  bytes: number;
}

/** Each piece costs memory beyond its bytes, so a message may not come byte by byte. Senders cut at 64 KiB. */
export function tooManyPieces(pieces: number, bytes: number): boolean {
  return pieces > 1024 + bytes / 1024;
}

/**
 * A piece that is kept. What comes from a socket lies in the socket's own chunk: a short piece would keep all of that,
 * and what is counted would be a fraction of what is held.
 */
export function keptPiece(piece: Buffer): Buffer {
  return piece.length < KEPT_AS_IT_IS && piece.length < piece.buffer.byteLength ? Buffer.from(piece) : piece;
}

function keyOf(type: FrameTypeCode, id: string): string {
  return `${type}:${id}`;
}

/** Puts messages that came in several frames back together. One per link; results never pass through here. */
export class Assembler {
  /** Made for the first message that comes in pieces: most links never have one. */
  #partial: Map<string, Partial> | undefined;
  #bytes = 0;

  /** @param maxBytes largest message body; @param maxOpen messages begun and not finished at one time */
  constructor(
    private readonly maxBytes: number,
    private readonly maxOpen: number,
  ) {}

  /** Of all messages begun and not finished. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns the whole body once its last frame is there. @throws MessageError too_large */
  add(frame: Frame): Buffer | undefined {
    const key = keyOf(frame.type, frame.id);
    const open = this.#partial?.get(key);
    if (open === undefined && !frame.more) {
      if (frame.body.length > this.maxBytes) throw new MessageError('too_large', 'message');
      return frame.body;
    }
    const partial = open ?? { pieces: [], bytes: 0 };
    partial.bytes += frame.body.length;
    partial.pieces.push(frame.more ? keptPiece(frame.body) : frame.body);
    if (partial.bytes > this.maxBytes || tooManyPieces(partial.pieces.length, partial.bytes))
      throw new MessageError('too_large', 'message');
    if (frame.more) {
      if (open === undefined) {
        this.#partial ??= new Map();
        if (this.#partial.size >= this.maxOpen) throw new MessageError('too_large', 'message');
        this.#partial.set(key, partial);
      }
      this.#bytes += frame.body.length;
      return undefined;
    }
    this.#delete(key, partial, frame.body.length);
    return Buffer.concat(partial.pieces, partial.bytes);
  }

  /** Forgets a message begun under this id (its call was cancelled). */
  drop(id: string): void {
    if (this.#partial === undefined || this.#partial.size === 0) return;
    for (const type of Object.values(FrameType)) {
      const key = keyOf(type, id);
      const partial = this.#partial.get(key);
      if (partial !== undefined) this.#delete(key, partial, 0);
    }
  }

  /** @param last bytes of its last piece, which was never kept */
  #delete(key: string, partial: Partial, last: number): void {
    this.#partial?.delete(key);
    this.#bytes -= partial.bytes - last;
  }
}
