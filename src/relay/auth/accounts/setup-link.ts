import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Store } from '../../store/store.js';
import { endBrowserSessions } from '../server/records.js';
import type { Accounts } from './accounts.js';

const TOKEN_KEY = 'setup:token';
const TOKEN_SECONDS = 24 * 60 * 60;
const TOKEN_BYTES = 24;

export type SetupFailure = 'bad_token' | 'already_set_up';

/** What a link is for: making the owner, or giving the owner a new password. */
export type SetupPurpose = 'setup' | 'reset';

/** A reset link of this start: it is kept nowhere, so that it ends with the process. */
interface Reset {
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * The one-time links of a relay with an account of its own: the first person to open one becomes the owner, or sets the
 * owner's password anew. Only hashes of their tokens are kept. A token is in the fragment, which no server and no log sees.
 */
export class SetupLink {
  readonly #store: Store;
  readonly #accounts: Accounts;
  readonly #publicUrl: string;
  #reset: Reset | undefined;

  constructor(store: Store, accounts: Accounts, publicUrl: string) {
    this.#store = store;
    this.#accounts = accounts;
    this.#publicUrl = publicUrl;
  }

  /** A fresh link for whoever starts the relay, valid for 24 hours; every older one ends. Undefined once there is an owner. */
  async issue(): Promise<string | undefined> {
    if (await this.#accounts.hasOwner()) return undefined;
    const token = newToken();
    await this.#store.put(TOKEN_KEY, digest(token), { ttlSeconds: TOKEN_SECONDS, durable: true });
    return this.#link(token);
  }

  /** A fresh link to a new password for the owner, valid for 24 hours and until the relay ends. Undefined without an owner. */
  async issueReset(): Promise<string | undefined> {
    if (!(await this.#accounts.hasOwner())) return undefined;
    const token = newToken();
    this.#reset = { digest: digest(token), until: Date.now() + TOKEN_SECONDS * 1000 };
    return this.#link(token);
  }

  /** What a link would do now; undefined when no link does anything. */
  async purpose(): Promise<SetupPurpose | undefined> {
    if (!(await this.#accounts.hasOwner())) return 'setup';
    return this.#reset !== undefined && this.#reset.until > Date.now() ? 'reset' : undefined;
  }

  /**
   * Makes the owner, or changes the owner's name and password and ends every browser session, once, for the holder of
   * the token; `accounts.problem` has to be asked first. Returns undefined on success.
   */
  async redeem(token: string, name: string, password: string): Promise<SetupFailure | undefined> {
    const purpose = await this.purpose();
    if (purpose === undefined) return 'already_set_up';
    if (!(await this.valid(token))) return 'bad_token';
    if (purpose === 'reset') return this.#redeemReset(name, password);
    // The claim inside decides between two that come at once.
    if (!(await this.#accounts.createOwner(name, password))) return 'already_set_up';
    await this.#store.delete(TOKEN_KEY);
    return undefined;
  }

  async valid(token: string): Promise<boolean> {
    const purpose = await this.purpose();
    const expected = purpose === 'reset' ? this.#reset?.digest : await this.#store.get<string>(TOKEN_KEY);
    if (expected === undefined) return false;
    return timingSafeEqual(Buffer.from(expected), Buffer.from(digest(token)));
  }

  async #redeemReset(name: string, password: string): Promise<SetupFailure | undefined> {
    const reset = this.#reset;
    if (reset === undefined) return 'already_set_up';
    // Spent before anything is awaited: of two that come at once, one gets here.
    this.#reset = undefined;
    try {
      await this.#accounts.resetOwner(name, password);
      // Whoever knew the old password may be signed in somewhere.
      await endBrowserSessions(this.#store);
    } catch (error) {
      this.#reset = reset;
      throw error;
    }
    return undefined;
  }

  #link(token: string): string {
    return `${this.#publicUrl}/setup#${token}`;
  }
}

function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** A pasted link is taken for the token in it. */
function digest(token: string): string {
  const bare = token.trim().replace(/^.*#/, '');
  return createHash('sha256').update(bare).digest('base64url');
}
