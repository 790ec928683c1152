/**
 * Writes oclif.manifest.json, by which oclif knows the commands and their flags without loading any of them.
 * `node scripts/manifest.mjs [ROOT]`: ROOT holds package.json and dist/; default: this project.
 * `node scripts/manifest.mjs --check` writes nothing and fails when git has another one, staged or committed.
 */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { Plugin } from '@oclif/core';

const FILE = 'oclif.manifest.json';
export const STALE = `${FILE} in git is not that of the commands. Run: npm run build, and commit it`;

/** The manifest's text for the compiled commands of a project. */
export async function manifestText(root) {
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  return `${JSON.stringify(plugin.manifest, undefined, 2)}\n`;
}

/** The manifest that git has, since a build has just rewritten the file; the file where there is no repository. */
export async function manifestInGit(root) {
  const { status, stdout } = spawnSync('git', ['show', `:./${FILE}`], { cwd: root, encoding: 'utf8' });
  return JSON.parse(status === 0 ? stdout : await readFile(join(root, FILE), 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [argument] = process.argv.slice(2);
  const project = join(dirname(fileURLToPath(import.meta.url)), '..');
  if (argument === '--check') {
    const fresh = JSON.parse(await manifestText(project));
    if (!isDeepStrictEqual(await manifestInGit(project), fresh)) {
      console.error(STALE);
      process.exit(1);
    }
  } else {
    const root = resolve(argument ?? project);
    await writeFile(join(root, FILE), await manifestText(root));
  }
}
