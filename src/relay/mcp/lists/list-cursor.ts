import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const MAC_BYTES = 16;
const FORM = /^(\d{1,9})\.([A-Za-z0-9_-]{22})$/;

/** Cursors of lists: an offset into one revision of one of a user's lists, of no use for any other. */
export class ListCursors {
  readonly #key: Buffer;

  constructor(sealKey: Uint8Array) {
    this.#key = Buffer.from(hkdfSync('sha256', sealKey, '', 'mcp-local-tunnel list cursor', 32));
  }

  /** @param list what tells the list and its revision from all others of this user's */
  make(userId: string, list: string, offset: number): string {
    return `${offset}.${this.#mac(userId, list, offset).toString('base64url')}`;
  }

  /** @returns the offset, or undefined for a cursor that was not made for this user and list */
  read(cursor: string, userId: string, list: string): number | undefined {
    const [, digits, mac] = FORM.exec(cursor) ?? [];
    if (digits === undefined || mac === undefined) return undefined;
    const offset = Number(digits);
    const expected = this.#mac(userId, list, offset);
    const given = Buffer.from(mac, 'base64url');
    return given.length === expected.length && timingSafeEqual(given, expected) ? offset : undefined;
  }

  #mac(userId: string, list: string, offset: number): Buffer {
    const text = JSON.stringify([userId, list, offset]);
    return createHmac('sha256', this.#key).update(text).digest().subarray(0, MAC_BYTES);
  }
}
