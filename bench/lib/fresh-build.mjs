import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
/** What dist/ is made from; of a folder its own time counts too: a file may have gone. */
const SOURCES = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package.json'];

/** Builds dist/ where there is none, or where it is older than what it is made from: it is what gets measured. */
export function freshBuild() {
  const reason = whyStale();
  if (reason === undefined) return;
  console.log(`${reason}: building`);
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function whyStale() {
  const built = existsSync(join(root, 'dist')) ? files('dist') : [];
  if (built.length === 0) return 'dist/ is not there';
  const oldest = Math.min(...built.map((path) => statSync(path).mtimeMs));
  const newer = SOURCES.flatMap(all).find((path) => statSync(path).mtimeMs > oldest);
  return newer && `${newer.slice(root.length + 1)} is newer than dist/`;
}

/** A path and everything below it. */
function all(path) {
  const here = join(root, path);
  return statSync(here).isDirectory()
    ? [here, ...below(path).map((entry) => join(entry.parentPath, entry.name))]
    : [here];
}

function files(folder) {
  return below(folder)
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function below(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
}
