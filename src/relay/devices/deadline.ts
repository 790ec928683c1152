/** One call's time: a span without progress, and a total. Owns one timer until `stop`. */
export class Deadline {
  readonly #began = Date.now();
  #progress = this.#began;
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

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const now = Date.now();
    const idle = this.#progress + this.idleMs - now;
    const total = this.#began + this.totalMs - now;
    if (idle <= 0 || total <= 0) {
      this.expired(total <= 0);
      return;
    }
    this.#timer = setTimeout(() => this.#arm(), Math.min(idle, total));
  }
}
