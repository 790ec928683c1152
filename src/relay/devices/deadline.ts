/** One call's time: a span without progress, which may be held, and a total. Owns one timer until `stop`. */
export class Deadline {
  readonly #began = Date.now();
  #progress = this.#began;
  #held = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param expired told whether it was the total time that passed */
  constructor(
    private readonly idleMs: number,
    private readonly totalMs: number,
    private readonly expired: (total: boolean) => void,
  ) {
    this.#arm();
  }

  /** The call made progress. Cheap: the timer is set anew only when it fires. */
  progress(): void {
    this.#progress = Date.now();
  }

  /** While it is held, only the total counts: somebody thinks about a question. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    this.#progress = Date.now();
    if (held) return;
    clearTimeout(this.#timer);
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const now = Date.now();
    const idle = this.#held ? Number.POSITIVE_INFINITY : this.#progress + this.idleMs - now;
    const total = this.#began + this.totalMs - now;
    if (idle <= 0 || total <= 0) {
      this.expired(total <= 0);
      return;
    }
    this.#timer = setTimeout(() => this.#arm(), Math.min(idle, total));
  }
}
