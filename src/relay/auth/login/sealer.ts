import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts small JSON values for cookies, so that a browser can neither read nor change them (AES-256-GCM; passport
 * writes its session in the middle of synchronous code, which rules out the asynchronous Web Crypto).
 * Each purpose has a key of its own: a value sealed for one is nothing to another.
 */
export class Sealer {
  readonly #key: Buffer;

  /** @param secret what `relaySecret` gives; the same on every replica. */
  constructor(secret: Uint8Array, purpose: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', `mcp-local-tunnel ${purpose}`, 32));
  }

  /** @param seconds how long `open` accepts it. */
  seal(value: unknown, seconds: number): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    const text = JSON.stringify([Date.now() + seconds * 1000, value]);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** Undefined for what this key did not seal and for what has expired. */
  open(sealed: string): unknown {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
      const content: unknown = JSON.parse(text.toString('utf8'));
      if (!Array.isArray(content) || typeof content[0] !== 'number' || content[0] < Date.now()) return undefined;
      return content[1];
    } catch {
      return undefined;
    }
  }

  /** A code only this relay can make for `subject`, for a form's CSRF field. */
  sign(subject: string): string {
    return createHmac('sha256', this.#key).update(subject).digest('base64url');
  }

  signed(subject: string, code: string): boolean {
    const expected = Buffer.from(this.sign(subject));
    const given = Buffer.from(code);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}
