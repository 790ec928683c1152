import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, runtimePackages } from '../../scripts/bundle.mjs';
import { classNamesOnly } from '../../scripts/class-names.mjs';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
let folder = '';
let result: Awaited<ReturnType<typeof bundle>>;

async function put(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), text);
}

/** What tsc makes of it with the project's settings; the decorators' metadata is the part that matters. */
function compile(source: string): string {
  const { ES2023: target } = ts.ScriptTarget;
  const { ESNext: module } = ts.ModuleKind;
  return ts.transpileModule(source, {
    compilerOptions: {
      target,
      module,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      useDefineForClassFields: true,
      verbatimModuleSyntax: true,
    },
  }).outputText;
}

// A relay with one of each package that was a doubt: DI by type, validation, gateway, authorization server, templates, native parts.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const relay = await readFile(join(import.meta.dirname, 'bundle-fixture/relay.ts'), 'utf8');
  await put('dist/relay/relay.js', compile(relay));
  await put('dist/relay/views/page.eta', '<p><%= it.name %></p>');
  await put('dist/deep/paths.js', "export const here = new URL('./late.js', import.meta.url).pathname;");
  await put('dist/deep/late.js', 'export const late = true;');
  await put(
    'dist/deep/error.js',
    'export class Refused extends Error {}\nexport const refuse = () => { throw new Refused(); };',
  );
  await put('dist/deep/thrower.js', "export { refuse } from './error.js';");
  const command = [
    '#!/usr/bin/env node',
    "import { Refused } from '../deep/error.js';",
    "import { here } from '../deep/paths.js';",
    "const { refuse } = await import('../deep/thrower.js');",
    'let same = false;',
    'try { refuse(); } catch (error) { same = error instanceof Refused; }',
    "const { start } = await import('../relay/relay.js');",
    'console.log(JSON.stringify({ ...(await start()), here, same }));',
    'process.exit(0);',
  ];
  await put('dist/commands/go.js', command.join('\n'));
  const options = { root: folder, outdir: join(folder, 'out'), ours: [join(folder, 'dist')] };
  result = await bundle({ ...options, entries: [join(folder, 'dist/commands/go.js')] });

  await put('out/package.json', '{ "name": "packed", "type": "module" }');
  await cp(join(folder, 'dist/relay/views'), join(folder, 'out/dist/relay/views'), { recursive: true });
  for (const name of runtimePackages) {
    await mkdir(dirname(join(folder, 'out/node_modules', name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(folder, 'out/node_modules', name), 'junction');
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('an entry, and a file that is started by its path, keep their places', () => {
  expect(result.outputs).toEqual(expect.arrayContaining(['dist/commands/go.js', 'dist/deep/late.js']));
});

test('the bundle runs with only the outside packages installed', async () => {
  const { stdout } = await run(process.execPath, [join(folder, 'out/dist/commands/go.js')], { cwd: tmpdir() });
  const seen: Record<string, unknown> = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  expect(seen).toMatchObject({
    probe: 'tick token',
    good: [201, 'Inner'],
    bad: [400, { message: ['count must be an integer number'] }],
    metadata: 200,
    strategy: 'function',
    greeting: 'hello',
    level: 'value',
    argon2: true,
    eta: '<p>&lt;b&gt;</p>',
    manifest: 'packed',
    same: true,
  });
  expect(String(seen.here)).toMatch(/\/out\/dist\/deep\/late\.js$/);
});

test('classes keep their names, and nothing is done for those of functions', async () => {
  const texts = await Promise.all(result.outputs.map((file) => readFile(join(folder, 'out', file), 'utf8')));
  const named = texts.flatMap((text) => [...text.matchAll(/\b__name\(\s*([^,()]*)/g)].map(([, target]) => target));
  expect(new Set(named)).toEqual(new Set(['this']));
});

test.each([
  ['const f = /* @__PURE__ */ __name(() => 1, "f");', 'const f = /* @__PURE__ */ (() => 1);'],
  ['function f() {}\n__name(f, "f");\nf();', 'function f() {}\n\nf();'],
  ['a || __name((b) => __name(() => b, "c"), "d");', 'a || ((b) => (() => b));'],
  ['class A { static { __name(this, "A"); } }', 'class A { static { __name(this, "A"); } }'],
  ['const s = "__name(f, 1)"; // __name(f, "f")', 'const s = "__name(f, 1)"; // __name(f, "f")'],
])('%s without names of functions', (given, wanted) => {
  expect(classNamesOnly(given)).toBe(wanted);
});
