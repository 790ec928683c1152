import type { Frame } from './frames.js';
import { MessageError } from './message-reader.js';

interface Partial {
  readonly pieces: Buffer[];
  bytes: number;
}

/** Each piece costs memory beyond its bytes, so a message may not come byte by byte. Senders cut at 64 KiB. */
export function tooManyPieces(pieces: number, bytes: number): boolean {
  return pieces > 1024 + bytes / 1024;
}

/** Puts messages that came in several frames back together. One per link; results never pass through here. */
export class Assembler {
  readonly #partial = new Map<string, Partial>();

  /** @param maxBytes largest message body; @param maxOpen messages begun and not finished at one time */
  constructor(
    private readonly maxBytes: number,
    private readonly maxOpen: number,
  ) {}

  /** @returns the whole body once its last frame is there. @throws MessageError too_large */
  add(frame: Frame): Buffer | undefined {
    const key = `${frame.type}:${frame.id}`;
    const open = this.#partial.get(key);
    if (open === undefined && !frame.more) {
      if (frame.body.length > this.maxBytes) throw new MessageError('too_large', 'message');
      return frame.body;
    }
    const partial = open ?? { pieces: [], bytes: 0 };
    partial.pieces.push(frame.body);
    partial.bytes += frame.body.length;
    if (partial.bytes > this.maxBytes || tooManyPieces(partial.pieces.length, partial.bytes))
      throw new MessageError('too_large', 'message');
    if (frame.more) {
      if (open === undefined) {
        if (this.#partial.size >= this.maxOpen) throw new MessageError('too_large', 'message');
        this.#partial.set(key, partial);
      }
      return undefined;
    }
    this.#partial.delete(key);
    return Buffer.concat(partial.pieces, partial.bytes);
  }

  /** Forgets a message begun under this id (its call was cancelled). */
  drop(id: string): void {
    for (const key of this.#partial.keys()) if (key.endsWith(id)) this.#partial.delete(key);
  }
}
