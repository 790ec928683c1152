import { hash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { SigningKey } from './keys.js';
import type { Principal } from './principal.js';
import type { Resources, Scope } from './resources.js';
import type { Revocations } from './revocations.js';
import { TokenError } from './token-error.js';

const CLOCK_TOLERANCE_SECONDS = 60;
const REMEMBERED = 10_000;
/** Of so many tokens the hash is kept as well, since to make it takes four microseconds of each call. */
const HASHED = 256;
// Ours are under 1 KiB; what is longer is not worth a hash.
const MAX_TOKEN_LENGTH = 8192;

/** What the caller is about to open. */
export interface TokenDemand {
  readonly scope: Scope;
  /** RFC 8707 identifier of the endpoint, e.g. `<issuer>/mcp/laptop`. */
  readonly resource: string;
}

/** The one place where an access token becomes a Principal, for HTTP and for the upgrade. */
export class TokenVerifier {
  /** By SHA-256 of the token, least recently used first. */
  readonly #checked = new Map<string, Principal>();
  /** Of tokens that were checked, by the token; the oldest first. */
  readonly #hashes = new Map<string, string>();

  constructor(
    readonly resources: Resources,
    private readonly key: SigningKey,
    private readonly revocations: Revocations,
  ) {}

  /**
   * Checks signature, `typ`, issuer and expiry once per token (RFC 9068), revocation, audience and scope every time.
   * @throws TokenError and nothing else
   */
  async verify(token: string, want: TokenDemand): Promise<Principal> {
    if (token === '') throw new TokenError('missing');
    if (token.length > MAX_TOKEN_LENGTH) throw new TokenError('invalid');
    const hash = hashOf(token);
    return this.#admit(this.#recall(hash) ?? this.#remember(hash, await this.#check(token)), want);
  }

  /**
   * As `verify`, at once, for a token that was checked before; undefined for any other.
   * @throws TokenError and nothing else
   */
  recall(token: string, want: TokenDemand): Principal | undefined {
    if (token.length > MAX_TOKEN_LENGTH) return undefined;
    const known = this.#hashes.get(token);
    const hash = known ?? hashOf(token);
    const principal = this.#recall(hash);
    if (principal === undefined) return undefined;
    if (known === undefined) this.#keepHash(token, hash);
    return this.#admit(principal, want);
  }

  /** `listener` runs when a grant is revoked, so that its sockets and streams end at once. @returns unsubscribe */
  onRevoked(listener: (grantId: string) => void): () => void {
    return this.revocations.onRevoked(listener);
  }

  /** What may have changed since the token was checked, or differs from request to request. */
  #admit(principal: Principal, want: TokenDemand): Principal {
    if (isPast(principal.expiresAt)) throw new TokenError('expired');
    if (this.revocations.has(principal.grantId)) throw new TokenError('revoked');
    if (!this.resources.covers(principal.audience, want.resource)) throw new TokenError('wrong_audience');
    if (!principal.scopes.has(want.scope)) throw new TokenError('insufficient_scope');
    return principal;
  }

  async #check(token: string): Promise<Principal> {
    try {
      const { payload } = await jwtVerify(token, this.key.publicKey, {
        algorithms: ['EdDSA'],
        issuer: this.resources.issuer,
        typ: 'at+jwt',
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp', 'iat', 'sub', 'aud', 'client_id', 'grant_id'],
      });
      return toPrincipal(payload);
    } catch (error) {
      throw new TokenError(error instanceof errors.JWTExpired ? 'expired' : 'invalid');
    }
  }

  #keepHash(token: string, hash: string): void {
    const [oldest] = this.#hashes.keys();
    if (oldest !== undefined && this.#hashes.size >= HASHED) this.#hashes.delete(oldest);
    this.#hashes.set(token, hash);
  }

  #recall(hash: string): Principal | undefined {
    const principal = this.#checked.get(hash);
    if (principal === undefined) return undefined;
    this.#checked.delete(hash);
    this.#checked.set(hash, principal);
    return principal;
  }

  #remember(hash: string, principal: Principal): Principal {
    this.#checked.set(hash, principal);
    if (this.#checked.size > REMEMBERED) {
      const oldest = this.#checked.keys().next();
      if (!oldest.done) this.#checked.delete(oldest.value);
    }
    return principal;
  }
}

function hashOf(token: string): string {
  return hash('sha256', token, 'base64');
}

function isPast(expiresAt: number): boolean {
  return expiresAt + CLOCK_TOLERANCE_SECONDS * 1000 <= Date.now();
}

function toPrincipal(payload: JWTPayload): Principal {
  const { sub, aud, exp, scope, client_id: clientId, grant_id: grantId } = payload;
  if (
    typeof sub !== 'string' ||
    typeof aud !== 'string' ||
    typeof exp !== 'number' ||
    typeof clientId !== 'string' ||
    typeof grantId !== 'string'
  ) {
    throw new TokenError('invalid');
  }
  const scopes = new Set(typeof scope === 'string' ? scope.split(' ') : []);
  return { userId: sub, clientId, scopes, audience: aud, grantId, expiresAt: exp * 1000 };
}
