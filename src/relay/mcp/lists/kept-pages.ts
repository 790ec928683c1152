/** One user may fill this part of what all together may. */
const USERS_SHARE = 4;
/** What a page costs beside its bytes: its key, its places in the maps. */
const OVERHEAD_BYTES = 512;

interface Page {
  readonly user: UserPages;
  /** What it was made of. */
  readonly list: object;
  readonly key: string;
  readonly json: Buffer;
  /** Asked for since it was kept, or last passed over. */
  used: boolean;
}

interface UserPages {
  readonly id: string;
  readonly lists: Map<object, Map<string, Page>>;
  readonly pages: Set<Page>;
  bytes: number;
}

/**
 * Pages of lists as they go out, each user's apart from all others', until the list they show stands no more or others
 * need the room: then the oldest goes that nobody has asked for of late. No page is found but by its user, the very
 * list, and a key that says all the rest.
 */
export class KeptPages {
  readonly #users = new Map<string, UserPages>();
  readonly #pages = new Set<Page>();
  #bytes = 0;

  /** @param maxBytes of all users' pages */
  constructor(private readonly maxBytes: number) {}

  /** As accounted, of all users. */
  get bytes(): number {
    return this.#bytes;
  }

  get(userId: string, list: object, key: string): Buffer | undefined {
    const page = this.#users.get(userId)?.lists.get(list)?.get(key);
    if (page !== undefined) page.used = true;
    return page?.json;
  }

  /** Keeps a page that is not there yet, if one user may have so much. */
  add(userId: string, list: object, key: string, json: Buffer): void {
    const bytes = costOf(json);
    const most = this.maxBytes / USERS_SHARE;
    if (bytes > most) return;
    const user = this.#users.get(userId) ?? { id: userId, lists: new Map(), pages: new Set(), bytes: 0 };
    while (user.bytes + bytes > most) this.#makeRoom(user.pages);
    while (this.#bytes + bytes > this.maxBytes) this.#makeRoom(this.#pages);
    const page = { user, list, key, json, used: false };
    this.#users.set(userId, user);
    user.lists.set(list, (user.lists.get(list) ?? new Map<string, Page>()).set(key, page));
    user.pages.add(page);
    this.#pages.add(page);
    user.bytes += bytes;
    this.#bytes += bytes;
  }

  /** The list stands no more. */
  drop(userId: string, list: object): void {
    const pages = this.#users.get(userId)?.lists.get(list);
    for (const page of [...(pages?.values() ?? [])]) this.#remove(page);
  }

  /** Removes one of these pages. */
  #makeRoom(pages: Set<Page>): void {
    for (const page of pages) {
      if (!page.used) {
        this.#remove(page);
        return;
      }
      // Another round for it, behind all others.
      page.used = false;
      pages.delete(page);
      pages.add(page);
    }
  }

  #remove(page: Page): void {
    const { user, list, key, json } = page;
    const { id, lists, pages } = user;
    const ofList = lists.get(list);
    ofList?.delete(key);
    if (ofList?.size === 0) lists.delete(list);
    pages.delete(page);
    if (pages.size === 0) this.#users.delete(id);
    this.#pages.delete(page);
    user.bytes -= costOf(json);
    this.#bytes -= costOf(json);
  }
}

function costOf(json: Buffer): number {
  return json.length + OVERHEAD_BYTES;
}
