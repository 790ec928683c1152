import { SignJWT } from 'jose';
import { authorizationCodeGrant, customFetch, discovery, None } from 'openid-client';
import { describe, expect, test } from 'vitest';
import type { AllowRule } from '../../../config/config.js';
import { identify } from './identity.js';
import { LoginError } from './login-error.js';

/** Entra ID for several tenants: the metadata's issuer is a template, each ID token's is its tenant's. */
async function signInAtEntra(tenant: string, allow: AllowRule, claims: Record<string, unknown> = {}) {
  const base = 'https://login.microsoftonline.com/organizations';
  const idToken = await new SignJWT({ tid: tenant, sub: 'subject', email: 'ceo@example.com', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(`https://login.microsoftonline.com/${tenant}/v2.0`)
    .setAudience('client')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(new Uint8Array(32));
  const answers: Readonly<Record<string, object>> = {
    [`${base}/v2.0/.well-known/openid-configuration`]: {
      issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      id_token_signing_alg_values_supported: ['HS256'],
    },
    [`${base}/oauth2/v2.0/token`]: { access_token: 'a', token_type: 'Bearer', id_token: idToken },
  };
  const configuration = await discovery(new URL(`${base}/v2.0`), 'client', undefined, None(), {
    [customFetch]: async (url) => Response.json(answers[url] ?? {}, { status: url in answers ? 200 : 404 }),
  });
  const back = new URL('https://relay.example/callback?code=x');
  const tokens = await authorizationCodeGrant(configuration, back, { idTokenExpected: true });
  return identify(tokens, configuration, {
    issuer: `${base}/v2.0`,
    clientId: 'client',
    scopes: ['openid'],
    userClaim: 'sub',
    allow,
  });
}

describe('a multi-tenant provider', () => {
  test('makes equal subjects of two tenants two users', async () => {
    const one = await signInAtEntra('tenant-1', {});
    const two = await signInAtEntra('tenant-2', {});
    expect(one.userId).toBe('https://login.microsoftonline.com/tenant-1/v2.0|subject');
    expect(two.userId).toBe('https://login.microsoftonline.com/tenant-2/v2.0|subject');
  });

  test('is not believed about an address, which any tenant can write, unless it says verified', async () => {
    const rule = { emails: ['ceo@example.com'] };
    await expect(signInAtEntra('evil', rule)).rejects.toMatchObject({ code: 'refused', account: 'ceo@example.com' });
    await expect(signInAtEntra('evil', rule)).rejects.toBeInstanceOf(LoginError);
    await expect(signInAtEntra('good', rule, { email_verified: true })).resolves.toBeDefined();
    await expect(signInAtEntra('good', { claims: { tid: ['good'] } })).resolves.toBeDefined();
    await expect(signInAtEntra('evil', { claims: { tid: ['good'] } })).rejects.toMatchObject({ code: 'refused' });
  });
});
