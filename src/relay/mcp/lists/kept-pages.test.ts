import { expect, test } from 'vitest';
import { KeptPages } from './kept-pages.js';

const KIB = 1024;
const page = (letter: string, bytes = KIB) => Buffer.alloc(bytes, letter);

test('a page is found by its user, the very list and its key, and by nothing less', () => {
  const pages = new KeptPages(64 * KIB);
  const list = {};
  pages.add('alice', list, 'k', page('a'));
  expect(pages.get('alice', list, 'k')).toEqual(page('a'));
  expect(pages.get('bob', list, 'k')).toBeUndefined();
  expect(pages.get('alice', {}, 'k')).toBeUndefined();
  expect(pages.get('alice', list, 'other')).toBeUndefined();
  pages.add('bob', list, 'k', page('b'));
  expect(pages.get('alice', list, 'k')).toEqual(page('a'));
  expect(pages.get('bob', list, 'k')).toEqual(page('b'));
});

test('a list that stands no more goes with all its pages, and takes no other along', () => {
  const pages = new KeptPages(64 * KIB);
  const [old, other] = [{}, {}];
  pages.add('alice', old, 'one', page('a'));
  pages.add('alice', old, 'two', page('b'));
  pages.add('alice', other, 'one', page('c'));
  pages.add('bob', old, 'one', page('d'));
  pages.drop('alice', old);
  expect(pages.get('alice', old, 'one')).toBeUndefined();
  expect(pages.get('alice', old, 'two')).toBeUndefined();
  expect(pages.get('alice', other, 'one')).toEqual(page('c'));
  expect(pages.get('bob', old, 'one')).toEqual(page('d'));
  pages.drop('alice', other);
  pages.drop('bob', old);
  pages.drop('nobody', old);
  expect(pages.bytes).toBe(0);
});

test('one user may fill a quarter: what was not asked for of late makes room', () => {
  const pages = new KeptPages(64 * KIB);
  const list = {};
  for (let number = 0; number < 8; number += 1) pages.add('alice', list, `${number}`, page('a'));
  pages.add('bob', list, '0', page('b'));
  pages.get('alice', list, '0');
  for (let number = 8; number < 14; number += 1) pages.add('alice', list, `${number}`, page('a'));
  // 16 KiB hold ten pages of 1.5 KiB.
  const kept = Array.from({ length: 14 }, (_, number) => `${number}`).filter((key) => pages.get('alice', list, key));
  expect(kept).toEqual(['0', '5', '6', '7', '8', '9', '10', '11', '12', '13']);
  expect(pages.get('bob', list, '0')).toBeDefined();
  pages.add('alice', list, 'large', page('l', 16 * KIB));
  expect(pages.get('alice', list, 'large')).toBeUndefined();
  expect(pages.get('alice', list, '13')).toBeDefined();
});

test('all users together have a bound, as accounted', () => {
  const pages = new KeptPages(64 * KIB);
  const list = {};
  for (let user = 0; user < 100; user += 1) {
    pages.add(`user-${user}`, list, 'k', page('a'));
    expect(pages.bytes).toBeLessThanOrEqual(64 * KIB);
  }
  expect(pages.bytes).toBe(42 * 1536);
  expect(pages.get('user-57', list, 'k')).toBeUndefined();
  expect(pages.get('user-58', list, 'k')).toBeDefined();
});

test('with no room nothing is kept', () => {
  const pages = new KeptPages(0);
  const list = {};
  pages.add('alice', list, 'k', page('a'));
  expect(pages.get('alice', list, 'k')).toBeUndefined();
  expect(pages.bytes).toBe(0);
});
