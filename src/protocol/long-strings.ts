/** What is known of the long strings in a large JSON text, kept with the memory that the text lies in. */

/** Shorter strings are read again whenever they are looked at. */
export const LONG_STRING_BYTES = 64 * 1024;

const KNOWN = Symbol('long strings');

/**
 * Where the long strings of a text end, found out while it came. Most of a large message is one such string (an image, a
 * file), so that all who look at the message later need to read only what is beside it: of 60 MiB, a pass less each. The
 * text may be changed beside those strings, not in them.
 */
export class LongStrings {
  /** In the order of the text: the offset of the opening quote, and the one after the closing quote. */
  readonly #ends = new Map<number, number>();

  /** What is known of the text in this memory; subarrays of a buffer share it. */
  static of(json: Uint8Array): LongStrings | undefined {
    const memory: ArrayBufferLike & { readonly [KNOWN]?: LongStrings } = json.buffer;
    return memory[KNOWN];
  }

  /** From now on this is what is known of the text in this memory. */
  knownOf(memory: ArrayBufferLike): void {
    Object.defineProperty(memory, KNOWN, { value: this, configurable: true });
  }

  /** A valid string (RFC 8259 section 7) lies at [start, end) of the memory, quotes included. */
  found(start: number, end: number): void {
    if (end - start >= LONG_STRING_BYTES) this.#ends.set(start, end);
  }

  /** The offset in the memory after the long string whose opening quote is at `start`; undefined where none is known. */
  endOf(start: number): number | undefined {
    return this.#ends.get(start);
  }

  /** What of [from, to) of the memory lies in no long string; the quotes around one do not lie in it. */
  beside(from: number, to: number): (readonly [start: number, end: number])[] {
    const parts: [number, number][] = [];
    let at = from;
    for (const [start, end] of this.#ends) {
      if (start < at || end > to) continue;
      parts.push([at, start + 1]);
      at = end - 1;
    }
    parts.push([at, to]);
    return parts;
  }
}

/** A text without the insides of its long strings, where they are known: mostly one part, which is all of it. */
export function besideLongStrings(json: Buffer): readonly Buffer[] {
  const known = LongStrings.of(json);
  if (known === undefined) return [json];
  const { byteOffset } = json;
  const parts = known.beside(byteOffset, byteOffset + json.length);
  return parts.map(([start, end]) => json.subarray(start - byteOffset, end - byteOffset));
}
