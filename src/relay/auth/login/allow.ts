import type { AllowRule } from '../../../config/config.js';

export type Claims = Readonly<Record<string, unknown>>;

/**
 * Whether the provider vouches for `claims.email`. An explicit `false` never counts, in whatever spelling. A provider
 * that says nothing (Entra ID) is believed only where one organisation runs it: in a multi-tenant one every tenant's
 * administrator writes any address, so there it has to say `true`.
 */
export function emailVouchedFor(claims: Claims, multiTenant: boolean): boolean {
  const verified = claims.email_verified;
  // Amazon Cognito and others send the words as strings.
  if (verified === true || verified === 'true') return true;
  return verified === undefined && !multiTenant;
}

/**
 * `auth.allow`: the address must be one of `emails` or in one of `domains` (where either is given), and every claim
 * named in `claims` must have an accepted value. Addresses and domains compare without regard to case; a domain does
 * not include its subdomains.
 */
export function isAllowed(rule: AllowRule, claims: Claims, multiTenant: boolean): boolean {
  return addressAllowed(rule, claims, multiTenant) && claimsAllowed(rule, claims);
}

/** Claims the rule cannot be decided without; `email_verified` among them, since its absence has a meaning. */
export function claimsNeeded(rule: AllowRule): readonly string[] {
  const named = Object.keys(rule.claims ?? {});
  return rule.emails === undefined && rule.domains === undefined ? named : ['email', 'email_verified', ...named];
}

function addressAllowed(rule: AllowRule, claims: Claims, multiTenant: boolean): boolean {
  if (rule.emails === undefined && rule.domains === undefined) return true;
  if (typeof claims.email !== 'string' || !emailVouchedFor(claims, multiTenant)) return false;
  const address = claims.email.toLowerCase();
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return (
    (rule.emails ?? []).some((email) => email.toLowerCase() === address) ||
    (address.includes('@') && (rule.domains ?? []).some((allowed) => allowed.toLowerCase() === domain))
  );
}

function claimsAllowed(rule: AllowRule, claims: Claims): boolean {
  return Object.entries(rule.claims ?? {}).every(([name, accepted]) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return accepted.some((one) => values.includes(one));
  });
}
