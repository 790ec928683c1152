import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { cookieOf } from '../login/login-state.js';
import { hashedId } from './sealed-record.js';

const SECONDS = 15 * 60;

/**
 * Ties an approval to the browser in which it was given. The interaction's own cookie belongs to a path, so a site under
 * the same domain can plant one: somebody could approve in a browser of their own and have another person sign in for
 * that approval. This cookie has the `__Host-` prefix, which only the relay itself can set.
 */
export class ApprovalCookie {
  /** Proofs set in answer to the request that is still being handled. */
  readonly #given = new WeakMap<IncomingMessage, string>();

  constructor(private readonly secure: boolean) {}

  /** Sets the cookie. @returns what is to be kept with the authorization: no secret */
  give(req: IncomingMessage, res: ServerResponse, uid: string): string {
    const proof = randomBytes(16).toString('base64url');
    this.#given.set(req, proof);
    this.#set(res, uid, proof, SECONDS);
    return digest(proof);
  }

  /** True in the browser that `give` was for. @param kept what `give` returned */
  matches(req: IncomingMessage, uid: string, kept: unknown): boolean {
    const proof = this.#given.get(req) ?? cookieOf(req, this.#name(uid));
    if (proof === undefined || typeof kept !== 'string') return false;
    const [expected, given] = [Buffer.from(kept), Buffer.from(digest(proof))];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  forget(res: ServerResponse, uid: string): void {
    this.#set(res, uid, '', 0);
  }

  #set(res: ServerResponse, uid: string, value: string, seconds: number): void {
    const secure = this.secure ? '; Secure' : '';
    const cookie = `${this.#name(uid)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
    res.appendHeader('Set-Cookie', cookie);
  }

  /** One for each authorization, so that two tabs do not mix. */
  #name(uid: string): string {
    return `${this.secure ? '__Host-' : 'relay_'}approved_${hashedId(uid).slice(0, 16)}`;
  }
}

function digest(proof: string): string {
  return createHash('sha256').update(proof).digest('base64url');
}
