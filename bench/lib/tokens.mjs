import { randomBytes } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';

const ALG = 'EdDSA';

/**
 * Signs access tokens as a relay with this secret does, so that thousands of logins need no browser.
 * @returns (user, path, scope) → token
 */
export async function tokenMaker(secret, issuer) {
  const { deriveKeys } = await import(new URL('../../dist/relay/auth/keys.js', import.meta.url).href);
  const { signing } = deriveKeys(new TextEncoder().encode(secret));
  const key = await importJWK(signing.privateJwk, ALG);
  return (user, path, scope) =>
    new SignJWT({ scope, client_id: 'bench', grant_id: randomBytes(8).toString('hex') })
      .setProtectedHeader({ alg: ALG, typ: 'at+jwt', kid: signing.kid })
      .setIssuer(issuer)
      .setSubject(user)
      .setAudience(`${issuer}${path}`)
      .setIssuedAt()
      .setExpirationTime('1d')
      .sign(key);
}
