/**
 * What the relay keeps: identity, the device directory and negative facts (ended, revoked, spent).
 * Keys are `kind:rest`; values are JSON values. LevelStore keeps this contract; another store may.
 */
export interface Store {
  get<T>(key: string): Promise<T | undefined>;
  /** `durable`: the promise resolves only when the write would outlive a power cut. */
  put(key: string, value: unknown, options?: PutOptions): Promise<void>;
  /** Puts only where no live value is; true for exactly one of any number of concurrent callers. Always durable. */
  claim(key: string, value: unknown, options?: { readonly ttlSeconds?: number }): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Live entries whose key starts with `prefix`, in key order. */
  list<T>(prefix: string): AsyncIterable<readonly [key: string, value: T]>;
  /** False when the store cannot be used (disk gone); for /readyz. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

export interface PutOptions {
  readonly ttlSeconds?: number;
  readonly durable?: boolean;
}
