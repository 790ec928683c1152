import type { PutOptions, Store } from '../../../src/relay/store/store.js';

/** The contract of Store over a Map; expiry follows Date, which a test may set. */
export class MapStore implements Store {
  readonly entries = new Map<string, { readonly json: string; readonly until: number }>();

  async get<T>(key: string): Promise<T | undefined> {
    const entry = this.entries.get(key);
    return entry === undefined || entry.until <= Date.now() ? undefined : JSON.parse(entry.json);
  }

  async put(key: string, value: unknown, options?: PutOptions): Promise<void> {
    const until = options?.ttlSeconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + options.ttlSeconds * 1000;
    this.entries.set(key, { json: JSON.stringify(value), until });
  }

  async claim(key: string, value: unknown, options?: { readonly ttlSeconds?: number }): Promise<boolean> {
    const entry = this.entries.get(key);
    if (entry !== undefined && entry.until > Date.now()) return false;
    await this.put(key, value, options);
    return true;
  }

  async delete(key: string): Promise<void> {
    this.entries.delete(key);
  }

  async *list<T>(prefix: string): AsyncIterable<readonly [string, T]> {
    for (const key of [...this.entries.keys()].sort()) {
      if (!key.startsWith(prefix)) continue;
      const value = await this.get<T>(key);
      if (value !== undefined) yield [key, value];
    }
  }

  async healthy(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}
}
