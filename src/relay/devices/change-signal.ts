/** Tells listeners that something changed: at once the first time, then no more often than the pause allows. */
export class ChangeSignal {
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #pending = false;
  #told: string;

  /** @param state sums up what listeners may see; they hear nothing while it stays the same */
  constructor(
    private readonly pauseMs: number,
    private readonly state: () => string,
  ) {
    this.#told = state();
  }

  /** Nobody listens. */
  get idle(): boolean {
    return this.#listeners.size === 0;
  }

  /** @returns unsubscribe */
  listen(listener: () => void): () => void {
    // While nobody listens, nobody is told: what changed meanwhile is no news to a new listener.
    if (this.#listeners.size === 0) this.#told = this.state();
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Something may have changed. */
  touch(): void {
    if (this.#listeners.size === 0) return;
    if (this.#timer !== undefined) {
      this.#pending = true;
      return;
    }
    const state = this.state();
    if (state === this.#told) return;
    this.#told = state;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#pending) return;
      this.#pending = false;
      this.touch();
    }, this.pauseMs);
    for (const listener of [...this.#listeners]) listener();
  }

  close(): void {
    this.#listeners.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
