/** Bundles the compiled tree file by file: one output for each entry, in the same place, so that paths between them still hold. */
import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';

/** Stay packages of their own: found by name at run time (oclif, ws) or with a native part. */
export const runtimePackages = ['@oclif/core', 'ws', 'classic-level', '@node-rs/argon2'];

/** Named in the code of bundled packages but only loaded when somebody installed them, which we do not. */
export const optionalPackages = [
  '@nestjs/microservices',
  '@nestjs/platform-socket.io',
  '@fastify/*',
  'bufferutil',
  'file-type',
  'utf-8-validate',
];

// CommonJS packages inside an ES module still want these three.
const banner = [
  "import { createRequire as bundleCreateRequire } from 'node:module';",
  'const require = bundleCreateRequire(import.meta.url);',
  'const bundleFilename = import.meta.filename, bundleDirname = import.meta.dirname;',
].join('\n');

const posix = (path) => path.split(sep).join('/');
const dotted = (path) => (path.startsWith('.') ? path : `./${path}`);

/** Files that code names by a path of its own, to start or load later: `new URL('./x.js', import.meta.url)` and the like. */
const namedFile = /(?:new URL\(|(?:join|resolve)\(import\.meta\.dirname,)\s*(['"`])([^'"`]+\.m?js)\1/g;

/**
 * @param {{ root: string, outdir: string, entries: readonly string[], ours: readonly string[] }} options
 *   `entries`: absolute paths under `root`; files they load by `await import()` or by URL become entries too.
 *   `ours`: folders whose files are ours (absolute); all else is a package.
 * @returns {Promise<{ entries: string[], inputs: Set<string>, packages: Set<string> }>} every entry and bundled file, relative to
 *   root, and the packages still imported by name.
 */
export async function bundle({ root, outdir, entries, ours }) {
  const queue = [...entries];
  const done = new Set();
  const inputs = new Set();
  const packages = new Set();
  const isOurs = (path) => ours.some((folder) => path.startsWith(folder + sep));
  const enqueue = (path) => void (done.has(path) || queue.includes(path) || queue.push(path));

  for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
    if (done.has(entry)) continue;
    done.add(entry);
    const from = dirname(entry);
    const result = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: resolve(outdir, relative(root, entry)),
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      keepNames: true,
      metafile: true,
      legalComments: 'none',
      charset: 'utf8',
      logLevel: 'warning',
      logOverride: { 'require-resolve-not-external': 'silent' },
      banner: { js: banner },
      define: { __filename: 'bundleFilename', __dirname: 'bundleDirname' },
      external: [...runtimePackages, ...optionalPackages],
      plugins: [ownFiles(from, isOurs, enqueue)],
    });
    for (const input of Object.keys(result.metafile.inputs)) inputs.add(input);
    for (const output of Object.values(result.metafile.outputs)) {
      for (const { path, external } of output.imports) {
        if (external && !path.startsWith('.') && !path.startsWith('node:')) packages.add(path);
      }
    }
  }
  return { entries: [...done].map((path) => posix(relative(root, path))), inputs, packages };
}

/** Keeps `await import('./ours.js')` an import of another output, and `import.meta` what it was before files were merged. */
function ownFiles(from, isOurs, enqueue) {
  return {
    name: 'own-files',
    setup(plugin) {
      plugin.onResolve({ filter: /^\.\.?\// }, ({ kind, importer, path, resolveDir }) => {
        if (kind !== 'dynamic-import' || !isOurs(importer)) return undefined;
        const target = resolve(resolveDir, path);
        enqueue(target);
        return { path: dotted(posix(relative(from, target))), external: true };
      });
      plugin.onLoad({ filter: /\.js$/ }, async ({ path }) => {
        if (!isOurs(path)) return undefined;
        const source = await readFile(path, 'utf8');
        for (const [, , named] of source.matchAll(namedFile)) enqueue(resolve(dirname(path), named));
        const url = `new URL(${JSON.stringify(dotted(posix(relative(from, path))))}, import.meta.url)`;
        const contents = source
          .replaceAll('import.meta.url', `${url}.href`)
          .replaceAll(/import\.meta\.(dirname|filename)/g, (_, which) =>
            which === 'filename' ? `bundleFile(${url})` : `bundleFile(new URL('.', ${url}))`,
          );
        if (!contents.includes('bundleFile(')) return { contents, loader: 'js' };
        const helper = "import { fileURLToPath as bundleFile } from 'node:url';\n";
        // A `#!` line must stay the first.
        return { contents: contents.replace(/^(#!.*\n)?/, `$1${helper}`), loader: 'js' };
      });
    },
  };
}
