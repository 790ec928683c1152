import { expect, it } from 'vitest';
import { GatheredLines } from './gathered-lines.js';

it('writes the lines of one turn at once, in order', async () => {
  const written: string[] = [];
  const lines = new GatheredLines({ write: (text) => written.push(text) });
  lines.write('a\n');
  lines.write('b\n');
  expect(written).toEqual([]);
  await new Promise(setImmediate);
  lines.write('c\n');
  await new Promise(setImmediate);
  expect(written).toEqual(['a\nb\n', 'c\n']);
});

it('loses none where the program ends in this very turn, and leaves nothing behind', async () => {
  const before = new Set(process.listeners('exit'));
  const written: string[] = [];
  const lines = new GatheredLines({ write: (text) => written.push(text) });
  lines.write('a\n');
  lines.write('b\n');
  const [atExit, ...more] = process.listeners('exit').filter((listener) => !before.has(listener));
  expect(more).toEqual([]);
  atExit?.(0);
  expect(written).toEqual(['a\nb\n']);
  await new Promise(setImmediate);
  expect(written).toHaveLength(1);
  expect(process.listeners('exit').filter((listener) => !before.has(listener))).toEqual([]);
});
