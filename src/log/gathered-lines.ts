/** So long may a line wait for others. */
const WAIT_MS = 50;

/** Lines are written a few at a time: a busy agent logs one for each call, and each write costs more than the line. */
export class GatheredLines {
  #lines = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly destination: { write(lines: string): unknown }) {}

  /** @param atOnce this line, and those before it, are written now */
  write(line: string, atOnce: boolean): void {
    this.#lines += line;
    if (atOnce) this.#flush();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(this.#flush, WAIT_MS);
      // Nothing is lost where the program ends before.
      process.once('exit', this.#flush);
    }
  }

  readonly #flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    process.removeListener('exit', this.#flush);
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') this.destination.write(lines);
  };
}
