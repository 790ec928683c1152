import { levelAtLeast } from '../../../protocol/log-levels.js';

/**
 * The one log level of a legacy session (`logging/setLevel`), which many clients share: the most verbose of what is
 * wanted at the time. When nobody wants any it stays as it was, and each client's own level does the rest.
 */
export class SharedLogLevel {
  readonly #wanted: string[] = [];
  #set: string | undefined;

  /** @param send `logging/setLevel`; resolves when it is in force, and never rejects */
  constructor(private readonly send: (level: string) => Promise<void>) {}

  /** @returns `applied` once the server writes at that level, and what gives it up */
  want(level: string): { readonly applied: Promise<void>; release(): void } {
    if (!levelAtLeast(level, 'debug')) return { applied: Promise.resolve(), release: () => {} };
    this.#wanted.push(level);
    const release = () => {
      const index = this.#wanted.indexOf(level);
      if (index >= 0) this.#wanted.splice(index, 1);
      void this.#apply();
    };
    return { applied: this.#apply(), release };
  }

  async #apply(): Promise<void> {
    const [first, ...others] = this.#wanted;
    if (first === undefined) return;
    const lowest = others.reduce((one, other) => (levelAtLeast(one, other) ? other : one), first);
    if (lowest === this.#set) return;
    this.#set = lowest;
    await this.send(lowest);
  }
}
