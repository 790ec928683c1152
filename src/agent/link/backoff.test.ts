import { describe, expect, it } from 'vitest';
import { redialDelay, retryAfterDelay } from './backoff.js';
import { renewDelay, tokenExpiry } from './token-expiry.js';

describe('redialDelay', () => {
  it('tries three times quickly, then doubles up to thirty seconds', () => {
    const ceilings = Array.from({ length: 14 }, (_, attempt) => redialDelay(attempt, 1));
    expect(ceilings).toEqual([
      200, 200, 200, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000,
    ]);
  });

  it('spreads over the whole range', () => {
    expect(redialDelay(9, 0)).toBe(0);
    expect(redialDelay(9, 0.5)).toBe(15_000);
  });
});

describe('retryAfterDelay', () => {
  it('keeps within a tenth of what the relay asks, and within ten minutes', () => {
    expect(retryAfterDelay(20, 0)).toBe(18_000);
    expect(retryAfterDelay(20, 1)).toBe(22_000);
    expect(retryAfterDelay(1e9, 1)).toBe(660_000);
  });
});

describe('tokenExpiry', () => {
  const jwt = (payload: unknown) => `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.y`;

  it('reads exp of a JWT', () => {
    expect(tokenExpiry(jwt({ exp: 1_800_000_000 }))).toBe(1_800_000_000_000);
  });

  it.each(['opaque', 'a.b.c', jwt({}), jwt(null), jwt({ exp: '1' })])('has none for %s', (token) => {
    expect(tokenExpiry(token)).toBeUndefined();
  });
});

describe('renewDelay', () => {
  const now = 1_800_000_000_000;

  it('is 45 s before the end, and never at once', () => {
    expect(renewDelay(now + 3_600_000, now)).toBe(3_555_000);
    expect(renewDelay(now + 50_000, now)).toBe(10_000);
    expect(renewDelay(now - 60_000, now)).toBe(10_000);
  });

  it('is none without an end, nor by a clock that is far ahead', () => {
    expect(renewDelay(undefined, now)).toBeUndefined();
    expect(renewDelay(now - 120_001, now)).toBeUndefined();
  });
});
