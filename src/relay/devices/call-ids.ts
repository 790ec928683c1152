import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
/** Asking the system for so many bytes costs hardly more than asking for one id's. */
const DRAWN_BYTES = 4096;

/** Ids of calls: random, so that no restart of the relay can meet one that an agent still remembers. */
export class CallIds {
  readonly #drawn = Buffer.alloc(DRAWN_BYTES);
  #at = DRAWN_BYTES;

  /** 32 hexadecimal digits, never the same again. */
  next(): string {
    if (this.#at === DRAWN_BYTES) {
      randomFillSync(this.#drawn);
      this.#at = 0;
    }
    const id = this.#drawn.toString('hex', this.#at, this.#at + ID_BYTES);
    this.#at += ID_BYTES;
    return id;
  }
}
