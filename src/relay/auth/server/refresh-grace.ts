import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Limits } from '../../../config/config.js';
import type { OidcProvider } from './load.js';
import type { Records } from './records.js';

const REPLAY_NOTICED_SECONDS = 7 * 86_400;

/**
 * Rotation of refresh tokens for clients as they are: several processes share one login and refresh at once, and
 * answers get lost. One of the parallel requests rotates; the others get an access token only. After the grace
 * window a second use revokes the whole grant (OAuth 2.1 §4.3.1).
 */
export class RefreshGrace {
  readonly #late = new WeakSet<object>();

  constructor(
    private readonly tokens: Records,
    private readonly errors: OidcProvider['errors'],
    private readonly limits: Pick<Limits, 'refreshGraceSeconds' | 'refreshTokenDays'>,
  ) {}

  /** oidc-provider's `rotateRefreshToken`: true for the one request that spends the presented token. */
  async rotate(ctx: KoaContextWithOIDC): Promise<boolean> {
    const { RefreshToken: token, Grant: grant } = ctx.oidc.entities;
    if (token === undefined || grant === undefined) throw new Error('oidc-provider rotates without token or grant');
    if (!(await this.tokens.spend(token.jti, token.remainingTTL))) {
      if (this.limits.refreshGraceSeconds === 0) throw new this.errors.InvalidGrant('refresh token already used');
      this.#late.add(ctx);
      return false;
    }
    await this.tokens.retire(token.jti, grant.jti, Math.min(token.remainingTTL, REPLAY_NOTICED_SECONDS));
    // The grant lives as long as the youngest refresh token, or a busy client would be logged out on a fixed day.
    grant.exp = Math.floor(Date.now() / 1000) + this.limits.refreshTokenDays * 86_400;
    await grant.save();
    return true;
  }

  /** Middleware around the token endpoint: an answer within the window names no refresh token. */
  async strip(ctx: { body?: unknown }, next: () => Promise<void>): Promise<void> {
    await next();
    if (this.#late.has(ctx) && typeof ctx.body === 'object' && ctx.body !== null) {
      Reflect.deleteProperty(ctx.body, 'refresh_token');
    }
  }
}
