import { compactVerify, decodeJwt } from 'jose';
import type { SigningKey } from '../keys.js';

/** What ends a grant: its refresh tokens, and every access token issued under it. */
export type RevokeGrant = (grantId: string) => Promise<void>;

/** What is read and written of Koa's context; `oidc` is there once oidc-provider has routed the request. */
export interface RevocationContext {
  readonly path: string;
  status: number;
  body: unknown;
  readonly oidc?: {
    readonly params?: Readonly<Record<string, unknown>>;
    readonly client?: { readonly clientId: string };
  };
}

/**
 * Middleware around the revocation endpoint. oidc-provider answers `unsupported_token_type` to any JWT, after it has
 * authenticated the client; here an access token of that client ends its grant, expired or not, and any other JWT is
 * answered as RFC 7009 §2.2 has it for an invalid token: 200.
 */
export async function revokeAccessToken(
  ctx: RevocationContext,
  next: () => Promise<void>,
  key: SigningKey,
  revokeGrant: RevokeGrant,
): Promise<void> {
  await next();
  const { body } = ctx;
  if (ctx.path !== '/revoke' || typeof body !== 'object' || body === null) return;
  if (!('error' in body) || body.error !== 'unsupported_token_type') return;
  const grantId = await grantOf(ctx.oidc?.params?.token, ctx.oidc?.client?.clientId, key);
  if (grantId !== undefined) await revokeGrant(grantId);
  ctx.status = 200;
  ctx.body = '';
}

async function grantOf(token: unknown, clientId: string | undefined, key: SigningKey): Promise<string | undefined> {
  if (typeof token !== 'string') return undefined;
  try {
    await compactVerify(token, key.publicKey, { algorithms: ['EdDSA'] });
    const { client_id: issuedTo, grant_id: grantId } = decodeJwt(token);
    return issuedTo === clientId && typeof grantId === 'string' ? grantId : undefined;
  } catch {
    return undefined;
  }
}
