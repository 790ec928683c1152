/** Bundles the compiled tree in place: packages go inside, and every file of ours still exists once, at a path that still holds. */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
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

const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  metafile: true,
  logLevel: 'warning',
};

const posix = (path) => path.split(sep).join('/');
const dotted = (path) => (path.startsWith('.') ? path : `./${path}`);
const pathFrom = (folder, file) => dotted(posix(relative(folder, file)));

/** Files that code names by a path of its own, to start or load later: `new URL('./x.js', import.meta.url)` and the like. */
const namedFile = /(?:new URL\(|(?:join|resolve)\(import\.meta\.dirname,)\s*(['"`])([^'"`]+\.m?js)\1/g;

/**
 * Writes one output for each entry, and one for each file of ours that several entries need: a class bundled twice would be two
 * classes, and `instanceof` would fail between them.
 * @param {import('./bundle.mjs').BundleOptions} options see bundle.d.mts
 * @returns {Promise<import('./bundle.mjs').Bundled>}
 */
export async function bundle({ root, outdir, entries, ours }) {
  const isOurs = (path) => ours.some((folder) => path.startsWith(folder + sep));
  const outputs = await findOutputs({ root, entries, isOurs });
  // A file of its own as well: decorators need it run before any of them, and an import keeps its place where bundled code does not.
  const reflect = {
    from: join(root, 'node_modules/reflect-metadata/Reflect.js'),
    to: join(root, 'dist/vendor/reflect-metadata.js'),
  };
  const inputs = new Set();
  const packages = new Set();

  for (const output of [...outputs, reflect.to]) {
    const { metafile } = await build({
      ...common,
      absWorkingDir: root,
      entryPoints: [output === reflect.to ? reflect.from : output],
      outfile: resolve(outdir, relative(root, output)),
      keepNames: true,
      legalComments: 'none',
      charset: 'utf8',
      logOverride: { 'require-resolve-not-external': 'silent' },
      banner: { js: banner },
      define: { __filename: 'bundleFilename', __dirname: 'bundleDirname' },
      external: [...runtimePackages, ...optionalPackages],
      plugins:
        output === reflect.to ? [] : [linkOutputs({ output, outputs, isOurs, reflect }), keepPaths({ output, isOurs })],
    });
    for (const input of Object.keys(metafile.inputs)) inputs.add(input);
    for (const { imports } of Object.values(metafile.outputs)) {
      for (const { path, external } of imports) {
        if (external && !path.startsWith('.') && !path.startsWith('node:')) packages.add(path);
      }
    }
  }
  return { outputs: [...outputs].map((path) => posix(relative(root, path))), inputs, packages };
}

/** The entries, what they load late (by `await import()` or by URL), and every file of ours that two of all these import. */
async function findOutputs({ root, entries, isOurs }) {
  const queue = [...entries];
  const done = new Set();
  const owners = new Map();
  for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
    if (done.has(entry)) continue;
    done.add(entry);
    const late = {
      name: 'late',
      setup(plugin) {
        plugin.onResolve({ filter: /^\.\.?\// }, ({ kind, importer, path, resolveDir }) => {
          if (kind !== 'dynamic-import' || !isOurs(importer)) return undefined;
          queue.push(resolve(resolveDir, path));
          return { path, external: true };
        });
      },
    };
    const options = {
      absWorkingDir: root,
      entryPoints: [entry],
      write: false,
      outdir: root,
      packages: 'external',
      plugins: [late],
    };
    const { metafile } = await build({ ...common, ...options });
    for (const input of Object.keys(metafile.inputs)) {
      const path = resolve(root, input);
      owners.set(path, (owners.get(path) ?? 0) + 1);
      const source = await readFile(path, 'utf8');
      for (const [, , named] of source.matchAll(namedFile)) queue.push(resolve(dirname(path), named));
    }
  }
  const shared = [...owners].filter(([path, count]) => count > 1 && isOurs(path)).map(([path]) => path);
  return new Set([...done, ...shared]);
}

/** Imports of another output stay imports. */
function linkOutputs({ output, outputs, isOurs, reflect }) {
  const external = (target) => ({ path: pathFrom(dirname(output), target), external: true });
  return {
    name: 'link-outputs',
    setup(plugin) {
      plugin.onResolve({ filter: /^reflect-metadata$/ }, () => external(reflect.to));
      plugin.onResolve({ filter: /^\.\.?\// }, ({ importer, path, resolveDir }) => {
        const target = resolve(resolveDir, path);
        return isOurs(importer) && outputs.has(target) && target !== output ? external(target) : undefined;
      });
    },
  };
}

/** Keeps `import.meta` what it was before files were merged. */
function keepPaths({ output, isOurs }) {
  return {
    name: 'keep-paths',
    setup(plugin) {
      plugin.onLoad({ filter: /\.js$/ }, async ({ path }) => {
        if (!isOurs(path)) return undefined;
        const source = await readFile(path, 'utf8');
        const url = `new URL(${JSON.stringify(pathFrom(dirname(output), path))}, import.meta.url)`;
        const contents = source
          .replaceAll('import.meta.url', `${url}.href`)
          .replaceAll('import.meta.filename', `bundleFile(${url})`)
          .replaceAll('import.meta.dirname', `bundleFile(new URL('.', ${url}))`);
        if (!contents.includes('bundleFile(')) return { contents, loader: 'js' };
        const helper = "import { fileURLToPath as bundleFile } from 'node:url';\n";
        // A `#!` line must stay the first.
        return { contents: contents.replace(/^(#!.*\n)?/, `$1${helper}`), loader: 'js' };
      });
    },
  };
}
