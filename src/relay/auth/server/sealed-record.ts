import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What stands in the store's key for an id that is a secret: codes, refresh tokens, cookies. */
export function hashedId(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}

/** Encrypts `value` under a key made from `id` itself: only whoever presents the id can have the record read. */
export function sealRecord(id: string, value: unknown): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', recordKey(id), iv);
  const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
}

/** @throws Error when `sealed` was made for another id or was changed */
export function openRecord<T>(id: string, sealed: string): T {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', recordKey(id), bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const body = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  return JSON.parse(body.toString('utf8'));
}

function recordKey(id: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', id, '', 'mcp-local-tunnel record', 32));
}
