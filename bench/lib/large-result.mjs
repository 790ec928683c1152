const TEXT = Buffer.from('"text":"');

/** One buffer for all sizes. */
const letters = { filled: Buffer.alloc(0) };

/**
 * A large result compared as it comes: to keep 60 MiB, join them and look at them at the end would hold up the calls
 * beside it, of which this process measures the times, and cost more than to carry them.
 */
export class LargeResult {
  #letters;
  /** What is not letters: all of it is JSON. */
  #around = [];
  #left;
  right = true;

  constructor(bytes) {
    if (letters.filled.length < bytes) letters.filled = Buffer.alloc(bytes, 'x');
    this.#letters = letters.filled;
    this.bytes = bytes;
  }

  /** The next part of the body. */
  take(part) {
    if (this.#left === undefined) {
      this.#around = [Buffer.concat([...this.#around, part])];
      const [head] = this.#around;
      const begin = head.indexOf(TEXT);
      if (begin === -1) return;
      this.#around = [head.subarray(0, begin + TEXT.length)];
      this.#left = this.bytes;
      this.take(head.subarray(begin + TEXT.length));
      return;
    }
    const compared = Math.min(part.length, this.#left);
    if (!part.subarray(0, compared).equals(this.#letters.subarray(0, compared))) this.right = false;
    this.#left -= compared;
    if (compared < part.length) this.#around.push(part.subarray(compared));
  }

  /** The body without the letters. */
  get around() {
    return Buffer.concat(this.#around);
  }
}
