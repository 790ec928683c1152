import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const TEXT = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');

const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(ROOT, 'src', file), 'utf8'))
  .join('\n');

/** Names of ours in code marks: what is called, and classes. Others are headers, paths and values. */
const names = [...TEXT.matchAll(/`([^`\n]+)`/g)]
  .flatMap(([, code = '']) => /^([A-Za-z]+)(?:\.([a-zA-Z]+))?(?:\(.*\))?$/.exec(code)?.slice(1, 3) ?? [])
  .filter((name) => name !== undefined && /^(?:[A-Z][a-z]+[A-Z]\w*|[a-z]+[A-Z]\w*)$/.test(name));

test.each([...new Set(names)])('%s, named in docs/architecture.md, is in the code', (name) => {
  expect(source).toMatch(new RegExp(`\\b${name}\\b`));
});

test('the folders and files of its layout are there', () => {
  const layout = /## Layout\n+```text\n([\s\S]*?)```/.exec(TEXT)?.[1] ?? '';
  const missing: string[] = [];
  const parents: string[] = [];
  for (const line of layout.split('\n').filter((one) => one.trim() !== '')) {
    const depth = line.search(/\S/) / 2;
    const entries =
      line
        .trim()
        .match(/^[\w.-]+(?:\/|\.ts)(?:, [\w.-]+\.ts)*/)?.[0]
        .split(', ') ?? [];
    const folder = parents.slice(0, depth).join('/');
    for (const entry of entries) if (!existsSync(join(ROOT, folder, entry))) missing.push(join(folder, entry));
    parents[depth] = (entries[0] ?? '').replace(/\/$/, '');
  }
  expect(parents.length).toBeGreaterThan(2);
  expect(missing).toEqual([]);
});
