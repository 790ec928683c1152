import { randomBytes } from 'node:crypto';
import type { Store } from '../../store/store.js';
import type { SignedInAccount } from '../login/identity.js';
import { dummyHash, hashPassword, passwordProblem, verifyPassword } from './password.js';

interface StoredAccount {
  readonly userId: string;
  readonly name: string;
  readonly passwordHash: string;
}

/** One entry, claimed: there is one owner however many set-up pages are sent at once. */
const OWNER_KEY = 'account:owner';
const MAX_NAME_CHARACTERS = 64;

/** The built-in account of a relay without `auth.issuer`. */
export class Accounts {
  readonly #store: Store;
  readonly #publicUrl: string;
  #dummy: Promise<string> | undefined;

  constructor(store: Store, publicUrl: string) {
    this.#store = store;
    this.#publicUrl = publicUrl;
  }

  async hasOwner(): Promise<boolean> {
    return (await this.#store.get(OWNER_KEY)) !== undefined;
  }

  /** What is wrong with a new account, in words for the person; undefined when it will do. */
  problem(name: string, password: string): string | undefined {
    const shown = shownName(name);
    if (shown === '') return 'Choose a name to sign in with.';
    if ([...shown].length > MAX_NAME_CHARACTERS) return `The name may have at most ${MAX_NAME_CHARACTERS} characters.`;
    // Control and formatting characters: names that look alike, or cannot be typed.
    if (/[\p{C}]/u.test(shown)) return 'The name has characters that cannot be seen.';
    return passwordProblem(password, shown);
  }

  /** True for exactly one of any number of callers; `problem` has to be asked first. */
  async createOwner(name: string, password: string): Promise<boolean> {
    const account: StoredAccount = {
      userId: `${this.#publicUrl}|${randomBytes(16).toString('base64url')}`,
      name: shownName(name),
      passwordHash: await hashPassword(password),
    };
    return this.#store.claim(OWNER_KEY, account);
  }

  /** Another name and password for the same person: the user id stays, and with it every device and grant. */
  async resetOwner(name: string, password: string): Promise<void> {
    const owner = await this.#store.get<StoredAccount>(OWNER_KEY);
    if (owner === undefined) throw new Error('there is no owner to reset');
    const account: StoredAccount = {
      userId: owner.userId,
      name: shownName(name),
      passwordHash: await hashPassword(password),
    };
    await this.#store.put(OWNER_KEY, account, { durable: true });
  }

  /** The account, or undefined for a wrong name or password; both cost one password check. */
  async verify(name: string, password: string): Promise<SignedInAccount | undefined> {
    this.#dummy ??= dummyHash();
    const [owner, dummy] = await Promise.all([this.#store.get<StoredAccount>(OWNER_KEY), this.#dummy]);
    const known = owner !== undefined && nameKey(owner.name) === nameKey(name) ? owner : undefined;
    const right = await verifyPassword(known?.passwordHash ?? dummy, password);
    return known !== undefined && right ? { userId: known.userId, displayName: known.name } : undefined;
  }
}

/** Names compare without regard to case and to how a keyboard composes letters. */
export function nameKey(name: string): string {
  return shownName(name).toLowerCase();
}

function shownName(name: string): string {
  return name.normalize('NFKC').trim();
}
