import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Lines of standard input, read only once somebody asks for one. Close it, or the process stays. */
export class LineReader {
  readonly #input: Readable;
  #lines: Interface | undefined;
  #read: string[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(input: Readable = process.stdin) {
    this.#input = input;
  }

  /** The next line without its end, or undefined when there are no more. Rejects with the signal's reason. */
  async next(signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    this.#open();
    while (this.#read.length === 0 && !this.#ended) await this.#more(signal);
    return this.#read.shift();
  }

  close(): void {
    this.#lines?.close();
    if (this.#lines !== undefined) this.#input.destroy();
  }

  #open(): void {
    if (this.#lines !== undefined) return;
    this.#lines = createInterface({ input: this.#input, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines.on('line', (line) => {
      this.#read.push(line);
      this.#wake?.();
    });
    this.#lines.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#wake = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
    });
  }
}
