import { Injectable } from '@nestjs/common';

/** The relay's way out: begun once, then every part refuses new work, and ends its streams when calls are done. */
@Injectable()
export class Draining {
  readonly #onBegin = new Set<() => void>();
  readonly #onEnd = new Set<() => void | Promise<void>>();
  #begun = false;

  /** True once the relay no longer takes new calls, upgrades or streams. */
  get draining(): boolean {
    return this.#begun;
  }

  /** Starts draining; later calls do nothing. Listeners may not throw. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    for (const listener of this.#onBegin) listener();
  }

  /** Running calls have ended or their time is over: ends what is left (open streams). Never rejects. */
  async end(): Promise<void> {
    const listeners = [...this.#onEnd];
    this.#onEnd.clear();
    await Promise.allSettled(listeners.map(async (listener) => listener()));
  }

  /** `listener` runs when draining begins. @returns unsubscribe */
  onBegin(listener: () => void): () => void {
    this.#onBegin.add(listener);
    return () => this.#onBegin.delete(listener);
  }

  /** `listener` runs after the last call, before connections are closed; shutdown waits for it. @returns unsubscribe */
  onEnd(listener: () => void | Promise<void>): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }
}
