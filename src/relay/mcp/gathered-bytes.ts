/** So many chunks become one: a chunk of one byte costs two hundred. */
const CHUNKS = 1024;

/** A body as it comes. However short its chunks are, they cost little more than their bytes. */
export class GatheredBytes {
  /** What came first, many chunks in each. */
  readonly #groups: Buffer[] = [];
  #chunks: Buffer[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Buffers that hold it. */
  get parts(): number {
    return this.#groups.length + this.#chunks.length;
  }

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#chunks.length < CHUNKS) return;
    this.#groups.push(Buffer.concat(this.#chunks));
    this.#chunks = [];
  }

  /** All of it; the one chunk itself where there was no other. */
  whole(): Buffer {
    const parts = [...this.#groups, ...this.#chunks];
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts, this.#bytes);
  }
}
