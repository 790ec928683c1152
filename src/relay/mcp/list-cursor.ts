import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const MAC_BYTES = 16;
const FORM = /^(\d{1,9})\.([A-Za-z0-9_-]{22})$/;

/** Cursors of tools/list: an offset into one revision of one user's list, of no use for any other. */
export class ListCursors {
  readonly #key: Buffer;

  constructor(sealKey: Uint8Array) {
    this.#key = Buffer.from(hkdfSync('sha256', sealKey, '', 'mcp-local-tunnel list cursor', 32));
  }

  make(userId: string, revision: string, offset: number): string {
    return `${offset}.${this.#mac(userId, revision, offset).toString('base64url')}`;
  }

  /** @returns the offset, or undefined for a cursor that was not made for this user and revision */
  read(cursor: string, userId: string, revision: string): number | undefined {
    const [, digits, mac] = FORM.exec(cursor) ?? [];
    if (digits === undefined || mac === undefined) return undefined;
    const offset = Number(digits);
    const expected = this.#mac(userId, revision, offset);
    const given = Buffer.from(mac, 'base64url');
    return given.length === expected.length && timingSafeEqual(given, expected) ? offset : undefined;
  }

  #mac(userId: string, revision: string, offset: number): Buffer {
    const text = JSON.stringify([userId, revision, offset]);
    return createHmac('sha256', this.#key).update(text).digest().subarray(0, MAC_BYTES);
  }
}
