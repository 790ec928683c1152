import { expect, test } from 'vitest';
import { dummyHash, hashPassword, passwordProblem, verifyPassword } from './password.js';

test.each([
  ['walnut harbour sings'],
  ['dK3v-9sXq-2mPz'],
  ['замок на семи ветрах'],
  ['an owner of cats'],
  ['aaabcdefghijk zz'],
])('takes %s', (password) => {
  expect(passwordProblem(password, 'owner')).toBeUndefined();
});

test.each([
  ['elevenchars', 'at least 12'],
  ['x'.repeat(1025), 'at most 1024 bytes'],
  ['é'.repeat(513), 'at most 1024 bytes'],
  ['aaaaaaaaaaaa', 'too few characters'],
  ['abababababab', 'too few characters'],
  ['password1234', 'guessed'],
  ['PassWord!2024', 'guessed'],
  ['qwertyqwerty', 'guessed'],
  ['123456789012', 'guessed'],
  ['2024-11-22 12:00', 'guessed'],
  ['mallory-mallory', 'guessed'],
])('refuses %s', (password, words) => {
  expect(passwordProblem(password, 'Mallory')).toContain(words);
});

test('a password is the same however a keyboard composes it', async () => {
  const hashed = await hashPassword('cafe\u0301 walnut harbour');
  expect(hashed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await verifyPassword(hashed, 'café walnut harbour')).toBe(true);
  expect(await verifyPassword(hashed, 'cafe walnut harbour')).toBe(false);
  expect(await verifyPassword(hashed, 'x'.repeat(5000))).toBe(false);
});

test('the dummy hash costs what a real one costs, and no password fits it', async () => {
  const dummy = await dummyHash();
  expect(dummy.split('$').slice(0, 4)).toEqual((await hashPassword('x')).split('$').slice(0, 4));
  expect(await verifyPassword(dummy, '')).toBe(false);
});
