const CLEAR_LINE = '\r\x1b[K';

/** On a terminal, a line that says what runs and for how long; it gives way to whatever is printed. */
export class Elapsed {
  #began = 0;
  #timer;

  start(what) {
    this.#began = performance.now();
    if (!process.stderr.isTTY) return;
    this.#timer = setInterval(() => process.stderr.write(`${CLEAR_LINE}${what}: ${this.seconds.toFixed(0)} s`), 1000);
  }

  get seconds() {
    return (performance.now() - this.#began) / 1000;
  }

  clear() {
    if (this.#timer !== undefined) process.stderr.write(CLEAR_LINE);
  }

  stop() {
    this.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
