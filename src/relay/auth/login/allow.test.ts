import { describe, expect, test } from 'vitest';
import { claimsNeeded, emailVouchedFor, isAllowed } from './allow.js';

describe('isAllowed', () => {
  const alice = { email: 'Alice@Example.com', email_verified: true, groups: ['devs', 'ops'], tier: 2, admin: true };

  test.each([
    ['no rule', {}, true],
    ['the address, in any case', { emails: ['alice@EXAMPLE.com'] }, true],
    ['another address', { emails: ['bob@example.com'] }, false],
    ['the domain', { domains: ['EXAMPLE.com'] }, true],
    ['a parent domain', { domains: ['com'] }, false],
    ['a domain that only ends the same', { domains: ['ample.com'] }, false],
    ['an address or a domain', { emails: ['bob@x.y'], domains: ['example.com'] }, true],
    ['an empty list lets nobody in', { emails: [] }, false],
    ['one element of an array claim', { claims: { groups: ['ops'] } }, true],
    ['no element', { claims: { groups: ['sales'] } }, false],
    ['a number is not its text', { claims: { tier: ['2'] } }, false],
    ['a number', { claims: { tier: [1, 2] } }, true],
    ['a boolean', { claims: { admin: [true] } }, true],
    ['every claim has to match', { claims: { groups: ['devs'], tier: [3] } }, false],
    ['address and claims both have to match', { domains: ['example.com'], claims: { groups: ['sales'] } }, false],
    ['a missing claim', { claims: { department: ['x'] } }, false],
    ['a name from Object.prototype', { claims: { constructor: ['x'] } }, false],
  ])('%s', (_name, rule, expected) => {
    expect(isAllowed(rule, alice, false)).toBe(expected);
  });

  test('an address without a domain, and no address', () => {
    expect(isAllowed({ domains: ['example.com'] }, { email: 'example.com' }, false)).toBe(false);
    expect(isAllowed({ domains: ['example.com'] }, {}, false)).toBe(false);
    expect(isAllowed({ domains: ['example.com'] }, { email: 'a@evil.com@example.com' }, false)).toBe(true);
  });
});

test.each([
  [true, true, true],
  ['true', true, true],
  // A provider of one organisation that says nothing is believed; a multi-tenant one is not.
  [undefined, true, false],
  [false, false, false],
  ['false', false, false],
  [null, false, false],
  [0, false, false],
])('email_verified %j: one tenant %j, several %j', (verified, one, several) => {
  const claims = { email: 'a@b.c', ...(verified === undefined ? {} : { email_verified: verified }) };
  expect(emailVouchedFor(claims, false)).toBe(one);
  expect(emailVouchedFor(claims, true)).toBe(several);
});

test('the claims a rule needs', () => {
  expect(claimsNeeded({})).toEqual([]);
  expect(claimsNeeded({ domains: ['x'], claims: { groups: ['y'] } })).toEqual(['email', 'email_verified', 'groups']);
});
