import { keptPiece, tooManyPieces } from '../../protocol/assembler.js';
import { QUESTION_BYTES } from '../../protocol/call-messages.js';

/** Largest notification of a call; like a question, one is put together before it is handed on. */
const EVENT_BYTES = 4 * 1024 * 1024;

/** A notification or a question of a call, of which pieces have come and others have not. */
export class GatheredMessage {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(readonly kind: 'event' | 'ask') {}

  get bytes(): number {
    return this.#bytes;
  }

  get pieces(): number {
    return this.#pieces.length;
  }

  add(piece: Buffer): void {
    this.#pieces.push(keptPiece(piece));
    this.#bytes += piece.length;
  }

  whole(last: Buffer): Buffer {
    return Buffer.concat([...this.#pieces, last], this.#bytes + last.length);
  }
}

/** What is wrong with the next piece of a message. @param before none where it is the first */
export function wrongPiece(
  kind: 'event' | 'ask',
  before: GatheredMessage | undefined,
  piece: Buffer,
): string | undefined {
  if (before !== undefined && before.kind !== kind) return 'one message within another';
  const bytes = (before?.bytes ?? 0) + piece.length;
  if (bytes > (kind === 'event' ? EVENT_BYTES : QUESTION_BYTES)) return `too large a message (${kind})`;
  if (tooManyPieces(before?.pieces ?? 0, bytes)) return 'a message in too many pieces';
  return undefined;
}
