import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Store } from '../../store/store.js';
import type { Accounts } from './accounts.js';

const TOKEN_KEY = 'setup:token';
const TOKEN_SECONDS = 24 * 60 * 60;
const TOKEN_BYTES = 24;

export type SetupFailure = 'bad_token' | 'already_set_up';

/** The one-time link that makes the first person to open it the owner. Only the hash of its token is stored. */
export class SetupLink {
  readonly #store: Store;
  readonly #accounts: Accounts;
  readonly #publicUrl: string;

  constructor(store: Store, accounts: Accounts, publicUrl: string) {
    this.#store = store;
    this.#accounts = accounts;
    this.#publicUrl = publicUrl;
  }

  /**
   * A fresh link for whoever starts the relay, valid for 24 hours; every older one ends. Undefined once there is an
   * owner. The token is in the fragment, which no server and no log sees.
   */
  async issue(): Promise<string | undefined> {
    if (await this.#accounts.hasOwner()) return undefined;
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    await this.#store.put(TOKEN_KEY, digest(token), { ttlSeconds: TOKEN_SECONDS, durable: true });
    return `${this.#publicUrl}/setup#${token}`;
  }

  /**
   * Makes the owner, once, for the holder of the token; `accounts.problem` has to be asked first.
   * Returns undefined on success.
   */
  async redeem(token: string, name: string, password: string): Promise<SetupFailure | undefined> {
    if (await this.#accounts.hasOwner()) return 'already_set_up';
    if (!(await this.valid(token))) return 'bad_token';
    // The claim inside decides between two that come at once.
    if (!(await this.#accounts.createOwner(name, password))) return 'already_set_up';
    await this.#store.delete(TOKEN_KEY);
    return undefined;
  }

  async valid(token: string): Promise<boolean> {
    const expected = await this.#store.get<string>(TOKEN_KEY);
    if (expected === undefined) return false;
    return timingSafeEqual(Buffer.from(expected), Buffer.from(digest(token)));
  }
}

/** A pasted link is taken for the token in it. */
function digest(token: string): string {
  const bare = token.trim().replace(/^.*#/, '');
  return createHash('sha256').update(bare).digest('base64url');
}
