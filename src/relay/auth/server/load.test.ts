import { afterEach, expect, test, vi } from 'vitest';
import { loadOidcProvider } from './load.js';

afterEach(() => {
  vi.restoreAllMocks();
});

test('the notice about Node.js is not printed, other warnings are, and console.warn is as before', async () => {
  const printed: unknown[] = [];
  const warn = vi.spyOn(console, 'warn').mockImplementation((...words) => {
    printed.push(words[0]);
  });
  const loading = loadOidcProvider();
  console.warn('another warning');
  await loading;
  expect(printed).toEqual(['another warning']);
  expect(console.warn).toBe(warn);
});
