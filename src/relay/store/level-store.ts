import type { ClassicLevel } from 'classic-level';
import { decodeEntry, type Entry, encodeEntry } from './entry.js';
import { StoreError, storeError } from './errors.js';
import { KeyLock } from './key-lock.js';
import type { PutOptions, Store } from './store.js';

const SWEEP_MS = 10 * 60_000;
const PROBE = 'store:probe';

/** The embedded store: LevelDB in one folder, used by one process. Every method rejects with StoreError. */
export class LevelStore implements Store {
  readonly #lock = new KeyLock();
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;
  #closed = false;

  /** @param db open; this store closes it */
  constructor(
    private readonly db: ClassicLevel<string, string>,
    private readonly folder: string,
  ) {
    this.#timer = setInterval(() => this.#sweepInBackground(), SWEEP_MS);
    this.#timer.unref();
  }

  async get<T>(key: string): Promise<T | undefined> {
    const entry = await this.#read(key);
    return entry === undefined ? undefined : JSON.parse(entry.json);
  }

  async put(key: string, value: unknown, options: PutOptions = {}): Promise<void> {
    await this.#lock.run(key, () => this.#write(key, value, options));
  }

  async claim(key: string, value: unknown, options: { readonly ttlSeconds?: number } = {}): Promise<boolean> {
    return this.#lock.run(key, async () => {
      if ((await this.#read(key)) !== undefined) return false;
      await this.#write(key, value, { ...options, durable: true });
      return true;
    });
  }

  async delete(key: string): Promise<void> {
    await this.#lock.run(key, () => this.#guard(() => this.db.del(key)));
  }

  async *list<T>(prefix: string): AsyncGenerator<readonly [key: string, value: T]> {
    for await (const [key, entry] of this.#scan(prefix)) {
      if (entry.expiresAt > Date.now()) yield [key, JSON.parse(entry.json)];
    }
  }

  async healthy(): Promise<boolean> {
    if (this.#closed) return false;
    try {
      await this.put(PROBE, true, { ttlSeconds: 60 });
      return (await this.get(PROBE)) === true;
    } catch {
      return false;
    }
  }

  /** Removes what has expired; the store does so by itself every ten minutes. */
  async sweep(): Promise<void> {
    for await (const [key, entry] of this.#scan('')) {
      if (this.#closed) return;
      if (entry.expiresAt <= Date.now()) await this.#dropExpired(key);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#sweeping;
    await this.#guard(() => this.db.close());
  }

  #sweepInBackground(): void {
    // A failing disk shows in healthy() and in the next write, so a failed sweep says nothing by itself.
    this.#sweeping ??= this.sweep()
      .catch(() => {})
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  /** Under the key's lock and after a second look: the key may have been put again since the sweep read it. */
  async #dropExpired(key: string): Promise<void> {
    await this.#lock.run(key, async () => {
      const text = await this.#guard(() => this.db.get(key));
      if (text !== undefined && decodeEntry(text).expiresAt <= Date.now()) await this.#guard(() => this.db.del(key));
    });
  }

  async #read(key: string): Promise<Entry | undefined> {
    const text = await this.#guard(() => this.db.get(key));
    if (text === undefined) return undefined;
    const entry = decodeEntry(text);
    return entry.expiresAt > Date.now() ? entry : undefined;
  }

  async #write(key: string, value: unknown, { ttlSeconds, durable = false }: PutOptions): Promise<void> {
    const text = encodeEntry(value, ttlSeconds, Date.now());
    await this.#guard(() => this.db.put(key, text, { sync: durable }));
  }

  async *#scan(prefix: string): AsyncGenerator<readonly [string, Entry]> {
    this.#assertOpen();
    const entries = this.db.iterator({ gte: prefix })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#guard(() => entries.next());
        if (next.done || !next.value[0].startsWith(prefix)) return;
        yield [next.value[0], decodeEntry(next.value[1])];
      }
    } finally {
      await entries.return?.(undefined);
    }
  }

  async #guard<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (cause) {
      throw storeError(cause, this.folder);
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('closed', `The store in ${this.folder} is closed.`);
  }
}
