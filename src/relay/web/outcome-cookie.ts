import type { Request, Response } from 'express';
import type { SignedInAccount } from '../auth/login/identity.js';
import { cookieOf } from '../auth/login/login-state.js';
import type { Sealer } from '../auth/login/sealer.js';

/** How an authorization request shall end: set by a form or the provider's answer, acted on by the request after it. */
export type Outcome = { readonly kind: 'denied' } | { readonly kind: 'signed_in'; readonly account: SignedInAccount };

const NAME = 'outcome';
const SECONDS = 60;

/** Carries an Outcome over one navigation, sealed and for one authorization request only. */
export class OutcomeCookie {
  readonly #sealer: Sealer;
  readonly #publicUrl: string;
  readonly #secure: boolean;

  constructor(sealer: Sealer, publicUrl: string) {
    this.#sealer = sealer;
    this.#publicUrl = publicUrl;
    this.#secure = publicUrl.startsWith('https:');
  }

  set(res: Response, uid: string, outcome: Outcome): void {
    res.cookie(NAME, this.#sealer.seal({ uid, outcome }, SECONDS), { ...this.#options(uid), maxAge: SECONDS * 1000 });
  }

  /** Undefined when there is none for this authorization request. */
  take(req: Request, res: Response, uid: string): Outcome | undefined {
    const content = this.#sealer.open(cookieOf(req, NAME) ?? '');
    res.clearCookie(NAME, this.#options(uid));
    if (typeof content !== 'object' || content === null || !('uid' in content) || content.uid !== uid) return undefined;
    return 'outcome' in content && isOutcome(content.outcome) ? content.outcome : undefined;
  }

  #options(uid: string) {
    return {
      path: interactionPath(this.#publicUrl, uid),
      httpOnly: true,
      sameSite: 'lax',
      secure: this.#secure,
    } as const;
  }
}

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

/** Where the pages of an authorization request are; a path, so that forms stay on the name the browser came by. */
export function interactionPath(publicUrl: string, uid: string): string {
  return `${new URL(publicUrl).pathname.replace(/\/$/, '')}/interaction/${encodeURIComponent(uid)}`;
}
