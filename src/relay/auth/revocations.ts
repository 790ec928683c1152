import type { Store } from '../store/store.js';

const PREFIX = 'revoked:';

/** The grants revoked within the life of an access token; in memory for every request, in the store for a restart. */
export class Revocations {
  readonly #until = new Map<string, number>();
  readonly #listeners = new Set<(grantId: string) => void>();

  private constructor(
    private readonly store: Store,
    private readonly keepSeconds: number,
  ) {}

  /** @param keepSeconds how long a token issued just before the revocation could still be accepted */
  static async load(store: Store, keepSeconds: number): Promise<Revocations> {
    const revocations = new Revocations(store, keepSeconds);
    for await (const [key, until] of store.list<number>(PREFIX)) {
      revocations.#until.set(key.slice(PREFIX.length), until);
    }
    return revocations;
  }

  has(grantId: string): boolean {
    const until = this.#until.get(grantId);
    return until !== undefined && until > Date.now();
  }

  /** Holds at once in this process, and for good when the promise resolves. Repeating it changes nothing. */
  async revoke(grantId: string): Promise<void> {
    if (this.has(grantId)) return;
    this.#forgetPast();
    const until = Date.now() + this.keepSeconds * 1000;
    this.#until.set(grantId, until);
    for (const listener of this.#listeners) listener(grantId);
    await this.store.put(`${PREFIX}${grantId}`, until, { ttlSeconds: this.keepSeconds, durable: true });
  }

  /** `listener` runs for each grant as it is revoked; it must not throw. @returns unsubscribe */
  onRevoked(listener: (grantId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #forgetPast(): void {
    const now = Date.now();
    for (const [grantId, until] of this.#until) if (until <= now) this.#until.delete(grantId);
  }
}
