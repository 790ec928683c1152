import { verify } from '@node-rs/argon2';
import { beforeEach, expect, test, vi } from 'vitest';
import { Accounts } from '../../../src/relay/auth/accounts/accounts.js';
import { MapStore } from './map-store.js';

// The real library, counted: equal work is what keeps a name from being guessed by the time an answer takes.
vi.mock('@node-rs/argon2', async (importOriginal) => {
  const library = await importOriginal<typeof import('@node-rs/argon2')>();
  return { ...library, verify: vi.fn(library.verify) };
});

const checks = vi.mocked(verify);
const password = 'walnut harbour sings';

beforeEach(() => {
  checks.mockClear();
});

test.each([
  ['the right name and password', 'owner', password, true],
  ['a wrong password', 'owner', 'walnut harbour sing', false],
  ['an unknown name', 'nobody', password, false],
  ['no name', '', password, false],
  ['a password longer than any', 'owner', 'x'.repeat(100_000), false],
])('%s costs one check of a hash of the same kind', async (_case, name, given, right) => {
  const accounts = new Accounts(new MapStore(), 'https://relay.example');
  expect(await accounts.createOwner('Owner', password)).toBe(true);
  expect((await accounts.verify(name, given)) !== undefined).toBe(right);
  expect(checks).toHaveBeenCalledTimes(1);
  expect(checks.mock.calls[0]?.[0]).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test('without an owner nobody signs in, at the same cost', async () => {
  const accounts = new Accounts(new MapStore(), 'https://relay.example');
  expect(await accounts.verify('owner', password)).toBeUndefined();
  expect(checks).toHaveBeenCalledTimes(1);
});

test('there is one owner', async () => {
  const accounts = new Accounts(new MapStore(), 'https://relay.example');
  const made = await Promise.all([accounts.createOwner('a', password), accounts.createOwner('b', password)]);
  expect(made.sort()).toEqual([false, true]);
});
