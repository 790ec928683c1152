/** What is logged in one turn of the event loop is written at once: a busy agent logs a line for each call. */
export class GatheredLines {
  #lines = '';
  readonly #flush = (): void => {
    process.removeListener('exit', this.#flush);
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') this.destination.write(lines);
  };

  constructor(private readonly destination: { write(lines: string): unknown }) {}

  write(line: string): void {
    if (this.#lines === '') {
      process.nextTick(this.#flush);
      // Nothing is lost where the program ends in this very turn.
      process.once('exit', this.#flush);
    }
    this.#lines += line;
  }
}
