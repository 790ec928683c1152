import type { Readable } from 'node:stream';

/** What a read of Node's gives at most. One that gave less has emptied the pipe. */
const READ_BYTES = 64 * 1024;
/** So many full reads in a row, and the one that is under way then, are a turn: 0.3 ms of work. */
const TURN_READS = 2;

/**
 * Reads a pipe so much at a time, and lets others have their turn in between: left alone, Node reads up to 2 MiB of a
 * large message before anything else of this process gets on, as long as the other end keeps up. Stops while it is held.
 */
export class PacedReading {
  #reads = 0;
  #held = false;
  #resting = false;

  /** @param pipe nobody else may pause it */
  constructor(
    private readonly pipe: Readable,
    take: (chunk: Buffer) => void,
  ) {
    pipe.on('data', (chunk: Buffer) => {
      take(chunk);
      this.#reads = chunk.length < READ_BYTES ? 0 : this.#reads + 1;
      if (this.#reads >= TURN_READS) this.#rest();
    });
  }

  hold(): void {
    this.#held = true;
    this.pipe.pause();
  }

  release(): void {
    this.#held = false;
    this.#goOn();
  }

  #rest(): void {
    this.#reads = 0;
    this.#resting = true;
    this.pipe.pause();
    setImmediate(() => {
      this.#resting = false;
      this.#goOn();
    });
  }

  #goOn(): void {
    if (!this.#held && !this.#resting) this.pipe.resume();
  }
}
