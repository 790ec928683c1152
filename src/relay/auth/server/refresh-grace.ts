import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Limits } from '../../../config/config.js';
import type { OidcProvider } from './load.js';
import type { Records } from './records.js';

const REPLAY_NOTICED_SECONDS = 7 * 86_400;

/** One request's part in the rotation of one token. */
interface Part {
  readonly token: string;
  /** Of the request that rotates: its answer is made, or has failed. */
  readonly end?: () => void;
}

/**
 * Rotation of refresh tokens for clients as they are: several processes share one login and refresh at once, and
 * answers get lost. One of the parallel requests rotates; within the grace window the others are answered with the
 * same new refresh token, since many clients go on with the old one where an answer names none. After the window a
 * second use revokes the whole grant (OAuth 2.1 §4.3.1).
 */
export class RefreshGrace {
  readonly #parts = new WeakMap<object, Part>();
  /** Rotations whose answer is not yet made, by the spent token. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(
    private readonly tokens: Records,
    private readonly errors: OidcProvider['errors'],
    private readonly limits: Pick<Limits, 'refreshGraceSeconds' | 'refreshTokenDays'>,
  ) {}

  /** oidc-provider's `rotateRefreshToken`: true for the one request that spends the presented token. */
  async rotate(ctx: KoaContextWithOIDC): Promise<boolean> {
    const { RefreshToken: token, Grant: grant } = ctx.oidc.entities;
    if (token === undefined || grant === undefined) throw new Error('oidc-provider rotates without token or grant');
    const winner = await this.tokens.spend(token.jti, token.remainingTTL);
    if (!winner && this.limits.refreshGraceSeconds === 0) {
      throw new this.errors.InvalidGrant('refresh token already used');
    }
    this.#parts.set(ctx, winner ? this.#start(token.jti) : { token: token.jti });
    if (!winner) return false;
    await this.tokens.retire(token.jti, grant.jti, Math.min(token.remainingTTL, REPLAY_NOTICED_SECONDS));
    // The grant lives as long as the youngest refresh token, or a busy client would be logged out on a fixed day.
    grant.exp = Math.floor(Date.now() / 1000) + this.limits.refreshTokenDays * 86_400;
    await grant.save();
    return true;
  }

  /** Middleware around the token endpoint: an answer within the window names the refresh token the first one named. */
  async answer(ctx: { body?: unknown }, next: () => Promise<void>): Promise<void> {
    try {
      await next();
      const part = this.#parts.get(ctx);
      if (part !== undefined && typeof ctx.body === 'object' && ctx.body !== null) await this.#settle(part, ctx.body);
    } finally {
      this.#parts.get(ctx)?.end?.();
    }
  }

  async #settle({ token, end }: Part, body: object): Promise<void> {
    if (!('refresh_token' in body) || typeof body.refresh_token !== 'string') return;
    if (end !== undefined) return this.tokens.keepSuccessor(token, body.refresh_token);
    await this.#running.get(token);
    const successor = await this.tokens.successor(token);
    if (successor === undefined) Reflect.deleteProperty(body, 'refresh_token');
    else Reflect.set(body, 'refresh_token', successor);
  }

  #start(token: string): Part {
    let finish = (): void => {};
    this.#running.set(token, new Promise<void>((resolve) => (finish = resolve)));
    const end = (): void => {
      this.#running.delete(token);
      finish();
    };
    return { token, end };
  }
}
