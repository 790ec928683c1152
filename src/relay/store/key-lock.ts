/** One at a time per key, first come first served. */
export class KeyLock {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `task` when every earlier task of this key has settled. @returns what `task` returns */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const earlier = this.#tails.get(key);
    const result = earlier === undefined ? task() : earlier.then(task);
    const tail = result.then(nothing, nothing);
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}

function nothing(): void {}
