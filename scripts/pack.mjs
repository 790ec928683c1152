/**
 * Makes the release: build/package/ (bundled from dist/, with a manifest that names only what stayed outside) and its tarball
 * build/mcp-local-tunnel-<version>.tgz. `--out FOLDER` takes the place of build/. Run `npm run build` first.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle, optionalPackages, runtimePackages } from './bundle.mjs';
import { thirdPartyLicenses } from './licenses.mjs';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'build') } } });
const build = resolve(values.out);
const out = join(build, 'package');
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

/** Files below a folder of the root, as paths relative to the root with `/`. */
async function filesIn(folder) {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .split(sep)
        .join('/'),
    )
    .sort();
}

/** @throws with every compiled file that no bundle holds; a file of types alone compiles to nothing and may stay out. */
async function assertComplete(files, inputs) {
  const left = [];
  for (const file of files.filter((path) => path.endsWith('.js') && !inputs.has(path))) {
    const code = (await readFile(join(root, file), 'utf8')).replace(/^\/\/# sourceMappingURL.*$|^export \{\};$/gm, '');
    if (code.replace(/\/\*[\s\S]*?\*\//g, '').trim() !== '') left.push(file);
  }
  if (left.length > 0) throw new Error(`No entry of the release reaches ${left.join(', ')}: delete it or import it.`);
}

/** The packages the release still imports, with our pinned versions. @throws for one that is neither ours nor a known option */
function outsideDependencies(packages) {
  const used = new Set([...packages].map((path) => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]));
  const optional = (name) => optionalPackages.some((known) => known === name || known === `${name.split('/')[0]}/*`);
  const unknown = [...used].filter((name) => !runtimePackages.includes(name) && !optional(name));
  if (unknown.length > 0) throw new Error(`Imported but neither bundled nor declared: ${unknown.join(', ')}.`);
  // ws is asked for by name from inside Nest's adapter as well, so all of them are declared, used here or not.
  return Object.fromEntries(runtimePackages.toSorted().map((name) => [name, manifest.dependencies[name]]));
}

function publishedManifest(packages) {
  const keep = ['name', 'version', 'description', 'keywords', 'license', 'author', 'homepage', 'bugs', 'repository'];
  const { type, engines, bin, oclif } = manifest;
  const head = Object.fromEntries(keep.filter((key) => manifest[key]).map((key) => [key, manifest[key]]));
  return {
    ...head,
    type,
    engines,
    bin,
    files: ['bin', 'dist', 'oclif.manifest.json', 'THIRD_PARTY_LICENSES'],
    oclif,
    dependencies: outsideDependencies(packages),
  };
}

function npm(args, cwd) {
  // npm names itself to the scripts it runs; asking for `npm` would need a shell on Windows.
  const self = process.env.npm_execpath;
  const [file, first] = self ? [process.execPath, [self]] : ['npm', []];
  return execFileSync(file, [...first, ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: !self && process.platform === 'win32',
  });
}

const compiled = await filesIn('dist');
const commands = compiled.filter((file) => /^dist\/commands\/.*\.js$/.test(file));
if (commands.length === 0) throw new Error('dist/commands is empty: run `npm run build` first.');

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
for (const file of await readdir(build)) if (file.endsWith('.tgz')) await rm(join(build, file));
const entries = [...Object.values(manifest.bin), ...commands].map((file) => join(root, file));
const bundled = await bundle({ root, outdir: out, entries, ours: [join(root, 'dist'), join(root, 'bin')] });
await assertComplete(compiled, bundled.inputs);

const copies = [
  'README.md',
  'LICENSE',
  'oclif.manifest.json',
  ...compiled.filter((file) => !['.js', '.map'].includes(extname(file))),
];
for (const file of copies) {
  await mkdir(dirname(join(out, file)), { recursive: true });
  await copyFile(join(root, file), join(out, file));
}
await writeFile(join(out, 'THIRD_PARTY_LICENSES'), await thirdPartyLicenses(root, bundled.inputs));
await writeFile(join(out, 'package.json'), `${JSON.stringify(publishedManifest(bundled.packages), null, 2)}\n`);
const [packed] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', build], out));
console.log(
  `${join(build, packed.filename)}: ${packed.files.length} files, ${Math.ceil(packed.size / 1024)} KiB (${Math.ceil(packed.unpackedSize / 1024)} KiB unpacked)`,
);
