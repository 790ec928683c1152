/** Bundles the compiled tree together with its packages, in place: entries keep their paths, the rest goes to dist/chunks/. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';
import { classNamesOnly } from './class-names.mjs';

/** Stay packages of their own: found by name at run time (ws) or with a native part. */
export const runtimePackages = ['ws', 'classic-level', '@node-rs/argon2'];

/** Named in the code of bundled packages but only loaded when somebody installed them, which we do not. */
export const optionalPackages = [
  '@nestjs/microservices',
  '@nestjs/platform-socket.io',
  '@fastify/*',
  'bufferutil',
  'class-transformer',
  'file-type',
  'kerberos',
  'typescript',
  'utf-8-validate',
];

// CommonJS packages inside an ES module still want these three.
const banner = [
  "import { createRequire as bundleCreateRequire } from 'node:module';",
  'const require = bundleCreateRequire(import.meta.url);',
  'const bundleFilename = import.meta.filename, bundleDirname = import.meta.dirname;',
].join('\n');

const metadata = 'dist/chunks/reflect-metadata.js';
const common = { bundle: true, format: 'esm', platform: 'node', target: 'node20.19', keepNames: true, write: false };
const options = { ...common, metafile: true, legalComments: 'none', charset: 'utf8', logLevel: 'warning' };
// For what a start costs: the engine reads every character, and one beyond Latin-1 doubles the memory of its whole file.
// Names stay as they are and lines stay short, so that a stack says where.
const small = {
  minifyWhitespace: true,
  lineLimit: 120,
  charset: 'ascii',
  legalComments: 'none',
  target: common.target,
};

const posix = (path) => path.split(sep).join('/');
const pathFrom = (folder, file) => posix(relative(folder, file)).replace(/^(?!\.)/, './');

/** Files that code names by a path of its own, to start or load later: `new URL('./x.js', import.meta.url)` and the like. */
const namedFile = /(?:new URL\(|(?:join|resolve)\(import\.meta\.dirname,)\s*(['"`])([^'"`]+\.m?js)\1/g;

/** Every module is in one output only, ours and the packages': a class that were there twice would fail `instanceof`. */
export async function bundle({ root, outdir, entries, ours }) {
  const isOurs = (path) => ours.some((folder) => path.startsWith(folder + sep));
  const wanted = new Set(entries);
  let result;
  for (let known = 0; known < wanted.size; ) {
    known = wanted.size;
    result = await build({
      ...options,
      absWorkingDir: root,
      entryPoints: [...wanted],
      outbase: root,
      outdir,
      splitting: true,
      chunkNames: 'dist/chunks/[name]-[hash]',
      logOverride: { 'require-resolve-not-external': 'silent' },
      banner: { js: banner },
      define: { __filename: 'bundleFilename', __dirname: 'bundleDirname' },
      external: [...runtimePackages, ...optionalPackages],
      // Its `main` hides its own files from every bundler.
      alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
      plugins: [ownFiles({ root, isOurs }), outsideByRequire(), sortedWithoutCollation(), commonJsLoadedLate()],
    });
    for (const path of Object.keys(result.metafile.inputs).map((input) => resolve(root, input))) {
      if (!isOurs(path)) continue;
      const source = await readFile(path, 'utf8');
      for (const [, , named] of source.matchAll(namedFile)) wanted.add(resolve(dirname(path), named));
    }
  }
  const { metafile, outputFiles } = result;
  for (const { path, text } of outputFiles) {
    const hidden = /\brequire\w*\((["'])\.\.?\/[^"']*\1\)/.exec(text);
    if (hidden) throw new Error(`${relative(outdir, path)}: ${hidden[0]} was not bundled and would not be found.`);
    await write(path, placed(text, path, outdir));
  }

  const reflect = join(root, 'node_modules/reflect-metadata/Reflect.js');
  const [file] = (await build({ ...options, entryPoints: [reflect], outdir })).outputFiles;
  await write(join(outdir, metadata), file.text);

  const inputs = Object.keys(metafile.inputs).filter((input) => !/^(late|outside):/.test(input));
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const packages = imports
    .filter(({ path, external }) => external && !isBuiltin(path) && !/^(\.|bundle:|node:)/.test(path))
    .map(({ path }) => path);
  return {
    outputs: [...outputFiles.map(({ path }) => posix(relative(outdir, path))), metadata],
    inputs: new Set([...inputs, posix(relative(root, reflect))]),
    packages: new Set(packages),
  };
}

async function write(path, text) {
  const { code } = await transform(classNamesOnly(text), small);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, code);
}

/** Fills in where an output lies, which nobody knows before it is made. */
function placed(text, path, outdir) {
  const from = dirname(path);
  const linked = text.replaceAll(
    /bundle:([^'"`]+)/g,
    (_, target) => pathFrom(from, join(outdir, target)) + (target.endsWith('/') ? '/' : ''),
  );
  // Decorators need it run before any of them, and bundling moves the code of imports but not imports that stay.
  if (!/\bReflect\.(\w*[mM]etadata)\b/.test(linked)) return linked;
  return linked.replace(/^(#!.*\n)?/, `$1import ${JSON.stringify(pathFrom(from, join(outdir, metadata)))};\n`);
}

/** Keeps `import.meta` what it was before files were merged, and reflect-metadata a file of its own. */
function ownFiles({ root, isOurs }) {
  return {
    name: 'own-files',
    setup(plugin) {
      plugin.onResolve({ filter: /^reflect-metadata$/ }, () => ({ path: `bundle:${metadata}`, external: true }));
      plugin.onLoad({ filter: /\.js$/ }, async ({ path }) => {
        if (!isOurs(path)) return undefined;
        const source = await readFile(path, 'utf8');
        const file = posix(relative(root, path));
        const url = (target) => `new URL('bundle:${target}', import.meta.url)`;
        const contents = source
          .replaceAll('import.meta.url', `${url(file)}.href`)
          .replaceAll('import.meta.filename', `bundleFile(${url(file)})`)
          .replaceAll('import.meta.dirname', `bundleFile(${url(`${dirname(file)}/`)})`);
        if (!contents.includes('bundleFile(')) return { contents, loader: 'js' };
        const helper = "import { fileURLToPath as bundleFile } from 'node:url';\n";
        // A `#!` line must stay the first.
        return { contents: contents.replace(/^(#!.*\n)?/, `$1${helper}`), loader: 'js' };
      });
    },
  };
}

/** Packages outside are CommonJS: `import` would have Node look through each of their files for names first, for 4 MB and 20 ms. */
function outsideByRequire() {
  const filter = new RegExp(`^(${runtimePackages.join('|')})$`);
  return {
    name: 'outside-by-require',
    setup(plugin) {
      plugin.onResolve({ filter }, ({ path, namespace }) =>
        namespace === 'outside' ? { path, external: true } : { path, namespace: 'outside' },
      );
      plugin.onLoad({ filter, namespace: 'outside' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
      }));
    },
  };
}

/** oclif sorts the commands by the rules of the user's language, for which Node loads its tables: 4 MB and 7 ms. Ours are ASCII. */
function sortedWithoutCollation() {
  return {
    name: 'sorted-without-collation',
    setup(plugin) {
      plugin.onLoad({ filter: /@oclif[\\/]core[\\/]lib[\\/]config[\\/]plugin\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const contents = source.replace('a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)');
        if (contents === source)
          throw new Error(`${path} sorts in another way now: look whether this is still needed.`);
        return { contents, loader: 'js' };
      });
    },
  };
}

/** `await import('a CommonJS package')` has every name Node would find; split off on its own it would have `default` alone. */
function commonJsLoadedLate() {
  return {
    name: 'common-js-loaded-late',
    setup(plugin) {
      plugin.onResolve({ filter: /^[^.]/ }, async ({ kind, path, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === 'asked') return undefined;
        const found = await plugin.resolve(path, { kind, resolveDir, pluginData: 'asked' });
        if (found.errors.length > 0 || found.external) return undefined;
        return isCommonJs(found.path) ? { path: found.path, namespace: 'late' } : undefined;
      });
      plugin.onLoad({ filter: /.*/, namespace: 'late' }, async ({ path }) => {
        const names = Object.keys(await import(pathToFileURL(path))).filter((name) => name !== 'module.exports');
        const contents = `export { ${names.join(', ')} } from ${JSON.stringify(path)};`;
        return { contents, resolveDir: dirname(path), loader: 'js' };
      });
    },
  };
}

/** By the nearest package.json, as Node decides. */
function isCommonJs(path) {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (!path.endsWith('.mjs') && existsSync(manifest))
      return JSON.parse(readFileSync(manifest, 'utf8')).type !== 'module';
  }
  return path.endsWith('.cjs');
}
