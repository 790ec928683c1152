import {
  type Configuration,
  fetchUserInfo,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
} from 'openid-client';
import type { OidcLoginConfig } from '../../../config/config.js';
import { type Claims, claimsNeeded, emailVouchedFor, isAllowed } from './allow.js';
import { LoginError } from './login-error.js';
import { reasonOf } from './provider.js';

/** A user as every later part knows it. */
export interface SignedInAccount {
  /** `<issuer of the ID token>|<value of auth.userClaim>`. */
  readonly userId: string;
  /** For people: an address, a user name, or the claim itself. */
  readonly displayName: string;
}

const MAX_CLAIM_LENGTH = 512;

/**
 * Who signed in, from the ID token, and from UserInfo where a claim that decides is not in it. The issuer is the one of
 * the ID token: at a multi-tenant provider (Entra ID) equal claims of two tenants are two users.
 * Throws LoginError `claim`, `refused` or `provider`. The tokens are of no further use and are dropped by the caller.
 */
export async function identify(
  tokens: TokenEndpointResponse & TokenEndpointResponseHelpers,
  configuration: Configuration,
  config: OidcLoginConfig,
): Promise<SignedInAccount> {
  const idToken = tokens.claims();
  if (idToken === undefined) {
    throw new LoginError('provider', 'the provider sent no ID token; is "openid" among auth.scopes?');
  }
  const claims = await withUserInfo(idToken, tokens.access_token, configuration, config);
  const multiTenant = idToken.iss !== configuration.serverMetadata().issuer;

  const value = Object.hasOwn(claims, config.userClaim) ? claims[config.userClaim] : undefined;
  if (typeof value !== 'string' || value === '' || value.length > MAX_CLAIM_LENGTH) {
    throw new LoginError('claim', `the provider sent no usable claim "${config.userClaim}" (auth.userClaim)`);
  }
  const displayName = nameFor(claims) ?? value;
  // An address that nobody checked must not become somebody's identity.
  const unchecked = config.userClaim === 'email' && !emailVouchedFor(claims, multiTenant);
  if (unchecked || !isAllowed(config.allow, claims, multiTenant)) {
    throw new LoginError('refused', unchecked ? 'the address is not verified' : 'not let in by auth.allow', {
      account: displayName,
    });
  }
  return { userId: `${idToken.iss}|${value}`, displayName };
}

/** The ID token's claims win; UserInfo only adds, and only when asked (§5.3.2: its `sub` must be the ID token's). */
async function withUserInfo(
  idToken: Claims & { readonly sub: string },
  accessToken: string,
  configuration: Configuration,
  config: OidcLoginConfig,
): Promise<Claims> {
  const needed = [config.userClaim, ...claimsNeeded(config.allow)];
  if (config.userClaim === 'email') needed.push('email_verified');
  const complete = needed.every((claim) => Object.hasOwn(idToken, claim));
  if (complete || configuration.serverMetadata().userinfo_endpoint === undefined) return idToken;
  try {
    return { ...(await fetchUserInfo(configuration, accessToken, idToken.sub)), ...idToken };
  } catch (error) {
    throw new LoginError('provider', `UserInfo could not be read: ${reasonOf(error)}`, { cause: error });
  }
}

function nameFor(claims: Claims): string | undefined {
  for (const name of ['email', 'preferred_username', 'name']) {
    const value = claims[name];
    if (typeof value === 'string' && value !== '' && value.length <= MAX_CLAIM_LENGTH) return value;
  }
  return undefined;
}
