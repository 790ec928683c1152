import { randomBytes } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { Sealer } from './sealer.js';

afterEach(() => {
  vi.useRealTimers();
});

test('opens what it sealed, until it expires', () => {
  const sealer = new Sealer(randomBytes(32), 'a');
  const sealed = sealer.seal({ who: 'alice' }, 60);
  expect(sealed).not.toContain('alice');
  expect(sealer.open(sealed)).toEqual({ who: 'alice' });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
  expect(sealer.open(sealed)).toBeUndefined();
});

test('refuses other keys, other purposes and every changed byte', () => {
  const secret = randomBytes(32);
  const sealer = new Sealer(secret, 'a');
  const sealed = sealer.seal(1, 60);
  expect(new Sealer(secret, 'b').open(sealed)).toBeUndefined();
  expect(new Sealer(randomBytes(32), 'a').open(sealed)).toBeUndefined();
  for (let index = 0; index < Buffer.from(sealed, 'base64url').length; index++) {
    const bytes = Buffer.from(sealed, 'base64url');
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    expect(sealer.open(bytes.toString('base64url'))).toBeUndefined();
  }
  for (const text of ['', 'x', 'é', sealed.slice(0, 20)]) expect(sealer.open(text)).toBeUndefined();
});

test('signs a subject', () => {
  const sealer = new Sealer(randomBytes(32), 'a');
  expect(sealer.signed('one', sealer.sign('one'))).toBe(true);
  expect(sealer.signed('two', sealer.sign('one'))).toBe(false);
  expect(sealer.signed('one', '')).toBe(false);
});
