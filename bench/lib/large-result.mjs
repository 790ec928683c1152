const TEXT = Buffer.from('"text":"');

/**
 * Compared with again and again: 60 MiB of them, kept, would be close to V8's limit for memory outside of its heap, and it
 * would collect all garbage every few MiB.
 */
const LETTERS = Buffer.alloc(64 * 1024, 'x');

/**
 * A large result compared as it comes: to keep 60 MiB, join them and look at them at the end would hold up the calls
 * beside it, of which this process measures the times, and cost more than to carry them.
 */
export class LargeResult {
  /** What is not letters: all of it is JSON. */
  #around = [];
  #left;
  right = true;

  constructor(bytes) {
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
    for (let at = 0; at < compared; at += LETTERS.length) {
      const end = Math.min(at + LETTERS.length, compared);
      if (LETTERS.compare(part, at, end, 0, end - at) !== 0) this.right = false;
    }
    this.#left -= compared;
    if (compared < part.length) this.#around.push(Buffer.from(part.subarray(compared)));
  }

  /** The body without the letters. */
  get around() {
    return Buffer.concat(this.#around);
  }
}
