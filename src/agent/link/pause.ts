/** A wait that something else may end early. One wait at a time; an end that comes before the wait counts. */
export class Pause {
  #timer: NodeJS.Timeout | undefined;
  #resolve: (() => void) | undefined;
  #ended = false;

  /** Waits this long, or until `end`. */
  for(ms: number): Promise<void> {
    return this.#wait(ms);
  }

  /** Waits until `end`. */
  forever(): Promise<void> {
    return this.#wait(undefined);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    if (resolve === undefined) this.#ended = true;
    else resolve();
  }

  /** Ends the wait under way after this long. */
  endAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), ms);
  }

  #wait(ms: number | undefined): Promise<void> {
    if (this.#ended) {
      this.#ended = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#resolve = resolve;
      if (ms !== undefined) this.#timer = setTimeout(() => this.end(), ms);
    });
  }
}
