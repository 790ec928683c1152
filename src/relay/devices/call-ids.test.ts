import { expect, test } from 'vitest';
import { CallIds } from './call-ids.js';

test('ids are 32 hexadecimal digits and never come again, whatever was drawn at once', () => {
  const ids = new CallIds();
  const seen = Array.from({ length: 2000 }, () => ids.next());
  expect(seen.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(new Set(seen).size).toBe(seen.length);
});
