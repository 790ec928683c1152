import { expect, it } from 'vitest';
import { GatheredLines } from './gathered-lines.js';

function gathered() {
  const written: string[] = [];
  let told = () => {};
  const first = new Promise<void>((resolve) => {
    told = resolve;
  });
  const write = (text: string) => {
    written.push(text);
    told();
  };
  return { lines: new GatheredLines({ write }), written, first };
}

it('writes lines together, in order', async () => {
  const { lines, written, first } = gathered();
  lines.write('a\n', false);
  lines.write('b\n', false);
  expect(written).toEqual([]);
  await first;
  expect(written).toEqual(['a\nb\n']);
});

it('writes what matters at once, with all before it', () => {
  const { lines, written } = gathered();
  lines.write('a\n', false);
  lines.write('b\n', true);
  lines.write('c\n', true);
  expect(written).toEqual(['a\nb\n', 'c\n']);
});

it('loses none where the program ends, and leaves nothing behind', () => {
  const before = new Set(process.listeners('exit'));
  const added = () => process.listeners('exit').filter((listener) => !before.has(listener));
  const { lines, written } = gathered();
  lines.write('a\n', false);
  lines.write('b\n', false);
  const [atExit, ...more] = added();
  expect(more).toEqual([]);
  atExit?.(0);
  expect(written).toEqual(['a\nb\n']);
  expect(added()).toEqual([]);
});
