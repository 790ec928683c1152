import { describe, expect, it } from 'vitest';
import { awayDelay, drainDelay, redialDelay, retryAfterDelay } from './backoff.js';
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

describe('awayDelay', () => {
  it('is at most a second for twenty seconds, then a twentieth of the outage, up to thirty seconds', () => {
    const ceilings = [-5000, 0, 999, 1000, 20_000, 60_000, 300_000, 600_000, 86_400_000].map((ms) => awayDelay(ms, 1));
    expect(ceilings).toEqual([500, 500, 500, 1000, 1000, 3000, 15_000, 30_000, 30_000]);
  });

  it('never hammers', () => {
    expect(awayDelay(0, 0)).toBe(250);
    expect(awayDelay(5000, 0)).toBe(500);
  });
});

describe('retryAfterDelay', () => {
  it('is what the relay asks and up to a fifth more, at least a second and about ten minutes at most', () => {
    expect(retryAfterDelay(20, 0)).toBe(20_000);
    expect(retryAfterDelay(20, 1)).toBe(24_000);
    expect(retryAfterDelay(0, 0)).toBe(1000);
    expect(retryAfterDelay(1e9, 1)).toBe(720_000);
  });
});

describe('drainDelay', () => {
  it('is a part of what the relay says, a minute at most', () => {
    expect(drainDelay(1000, 0)).toBe(0);
    expect(drainDelay(1000, 0.5)).toBe(500);
    expect(drainDelay(Number.MAX_SAFE_INTEGER, 1)).toBe(60_000);
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
