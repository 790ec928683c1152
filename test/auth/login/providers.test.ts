import { describe, expect, test } from 'vitest';
import type { OidcLoginConfig } from '../../../src/config/config.js';
import { type OidcProviderOptions, startOidcProvider } from '../../helpers/oidc-provider.js';
import { relayFor, signIn } from './relay-for.js';

const alice = { password: 'correct horse', claims: { email: 'alice@example.com', email_verified: true } };

/** What sets each provider apart for a relying party; README has the same list with the steps. */
const shapes: readonly (OidcProviderOptions & {
  readonly name: string;
  readonly auth?: Partial<OidcLoginConfig>;
  readonly user?: string;
})[] = [
  {
    name: 'Google: an id of its own, secret, Basic',
    clientId: '1234-a_b.apps.googleusercontent.com',
    clientSecret: 'GOCSPX-a_b-c',
    auth: { scopes: ['openid', 'email'], allow: { domains: ['example.com'] } },
    accounts: { alice },
  },
  {
    name: 'Entra ID: issuer with a path, secret in the body, user by oid',
    path: '/tenant-a/v2.0',
    clientAuth: 'post',
    accounts: { alice: { ...alice, claims: { oid: 'object-1', tid: 'tenant-a' } } },
    auth: { userClaim: 'oid' },
    user: 'object-1',
  },
  {
    name: 'Okta: groups by an extra scope',
    clientAuth: 'basic',
    scopes: { groups: ['groups'] },
    accounts: { alice: { ...alice, claims: { groups: ['everyone', 'devs'] } } },
    auth: { scopes: ['openid', 'groups'], allow: { claims: { groups: ['devs', 'ops'] } } },
  },
  { name: 'Keycloak: issuer with a path', path: '/realms/home', clientAuth: 'basic', accounts: { alice } },
  { name: 'Auth0: issuer with a slash at its end', trailingSlash: true, clientAuth: 'post', accounts: { alice } },
  {
    name: 'Authentik: path with a slash at its end',
    path: '/application/o/relay/',
    clientAuth: 'basic',
    accounts: { alice },
  },
  {
    name: 'Home Assistant: no secret, default client id, owner only',
    clientAuth: 'none',
    accounts: { alice: { ...alice, claims: { is_admin: true } } },
    auth: { allow: { claims: { is_admin: [true] } } },
  },
  {
    name: 'claims in UserInfo only',
    clientAuth: 'basic',
    claimsIn: 'userinfo',
    accounts: {
      alice: { ...alice, claims: { email: 'alice@example.com', email_verified: true, preferred_username: 'al' } },
    },
    auth: {
      scopes: ['openid', 'email', 'profile'],
      userClaim: 'preferred_username',
      allow: { emails: ['Alice@Example.com'] },
    },
    user: 'al',
  },
];

describe.each(shapes)('$name', ({ auth, user = 'alice', ...options }) => {
  test('signs in', async () => {
    await using provider = await startOidcProvider(options);
    await using relay = await relayFor(provider, auth);
    const end = await signIn(relay);
    expect(end.url.pathname, end.html).toBe('/client');
    expect(relay.interactions.ended).toMatchObject([{ account: { userId: `${provider.issuer}|${user}` } }]);
    expect(provider.tokenRequests).toEqual([options.clientAuth ?? 'basic']);
    const asked = provider.authorizationRequests[0];
    expect(asked?.get('code_challenge_method')).toBe('S256');
    expect(asked?.get('code_challenge')).toMatch(/^[\w-]{43}$/);
    expect(asked?.get('nonce')).toMatch(/^[\w-]{43}$/);
    expect(asked?.get('state')).toMatch(/^[\w-]{43}$/);
    expect(asked?.get('redirect_uri')).toBe(`${relay.url}/callback`);
  });
});
