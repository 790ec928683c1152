import { expect, it } from 'vitest';
import { KeptTexts } from './kept-texts.js';

it('gives a text to its owner, and to nobody else', () => {
  const kept = new KeptTexts();
  const id = kept.keep('laptop.files', 'anna', 'text') ?? '';
  expect(id).toMatch(/^laptop\.files~[\w-]{22}$/);
  expect(kept.read(id, 'anna')).toBe('text');
  expect(kept.read(id, 'bert')).toBeUndefined();
  expect(kept.read(`${id}x`, 'anna')).toBeUndefined();
  kept.close();
  expect(kept.read(id, 'anna')).toBeUndefined();
});

it('keeps so many, the last used longest', () => {
  const kept = new KeptTexts({ texts: 2 });
  const [a = '', b = ''] = ['a', 'b'].map((text) => kept.keep('k', 'o', text));
  expect(kept.read(a, 'o')).toBe('a');
  const c = kept.keep('k', 'o', 'c') ?? '';
  expect([a, b, c].map((id) => kept.read(id, 'o'))).toEqual(['a', undefined, 'c']);
  kept.close();
});

it('keeps so much, and nothing larger than that', () => {
  const kept = new KeptTexts({ characters: 10 });
  const a = kept.keep('k', 'o', 'aaaaaa') ?? '';
  expect(kept.keep('k', 'o', 'x'.repeat(11))).toBeUndefined();
  expect(kept.read(a, 'o')).toBe('aaaaaa');
  const b = kept.keep('k', 'o', 'bbbbb') ?? '';
  expect([a, b].map((id) => kept.read(id, 'o'))).toEqual([undefined, 'bbbbb']);
  kept.close();
});

it('forgets what was not read for a quarter of an hour', () => {
  let now = 0;
  const kept = new KeptTexts({ now: () => now });
  const [a = '', b = ''] = ['a', 'b'].map((text) => kept.keep('k', 'o', text));
  now = 14 * 60_000;
  expect(kept.read(b, 'o')).toBe('b');
  now = 15 * 60_000;
  expect(kept.read(a, 'o')).toBeUndefined();
  now = 28 * 60_000;
  expect(kept.read(b, 'o')).toBe('b');
  now = 43 * 60_000;
  expect(kept.read(b, 'o')).toBeUndefined();
  kept.close();
});
