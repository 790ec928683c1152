const TICK_MS = 5_000;
const JUMP_MS = 20_000;

/** Notices that the wall clock went on while this process did not: the machine slept. */
export class ClockJump {
  readonly #timer: NodeJS.Timeout;
  #last = Date.now();

  constructor(jumped: () => void) {
    this.#timer = setInterval(() => {
      const now = Date.now();
      if (now - this.#last > TICK_MS + JUMP_MS) jumped();
      this.#last = now;
    }, TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
