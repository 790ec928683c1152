import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { REQUIREMENTS } from './requirements.js';

const ROOT = resolve(import.meta.dirname, '../..');
const TITLED = new Set(['describe', 'it', 'test']);

/** The function that a chain as `test.each(rows)` or `describe.each([…])` starts from. */
function root(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) return root(node.expression);
  return '';
}

/** Titles of the tests in a file, as they are written there. */
function titles(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const title = ts.isCallExpression(node) && TITLED.has(root(node.expression)) ? node.arguments[0] : undefined;
    if (title !== undefined && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) {
      found.push(title.getText(source));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const files = ['src', 'test'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => join(ROOT, folder, file)),
);
const named = new Set(files.flatMap(titles).flatMap((title) => [...title.matchAll(/§7\.(\d+)/g)].map(([, id]) => id)));

test.each(Object.entries(REQUIREMENTS))('requirement 7.%s has a test: %s', (id) => {
  expect(named).toContain(id);
});

test('titles name requirements that there are', () => {
  expect(Object.keys(REQUIREMENTS)).toHaveLength(40);
  expect([...named].filter((id) => REQUIREMENTS[Number(id)] === undefined)).toEqual([]);
});
