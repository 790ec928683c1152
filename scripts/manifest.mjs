/**
 * Writes oclif.manifest.json, by which oclif knows the commands and their flags without loading any of them.
 * `node scripts/manifest.mjs [ROOT]`: ROOT holds package.json and dist/; default: this project.
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';

/** The manifest's text for the compiled commands of a project. */
export async function manifestText(root) {
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  return `${JSON.stringify(plugin.manifest, undefined, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
  await writeFile(join(root, 'oclif.manifest.json'), await manifestText(root));
}
