import { expect, test } from 'vitest';
import { GatheredBytes } from './gathered-bytes.js';

test('chunks of one byte become few buffers, in order', () => {
  const gathered = new GatheredBytes();
  const expected = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  for (const byte of expected) gathered.add(Buffer.of(byte));
  expect(gathered.bytes).toBe(expected.length);
  expect(gathered.parts).toBeLessThan(1024 + 300);
  expect(gathered.whole().equals(expected)).toBe(true);
});

test('a body in one chunk is not copied, and none is empty', () => {
  const gathered = new GatheredBytes();
  expect(gathered.whole()).toHaveLength(0);
  const chunk = Buffer.from('{}');
  gathered.add(chunk);
  expect(gathered.whole()).toBe(chunk);
});
