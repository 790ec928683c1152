/** Licences of what is inside the bundles. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Folder of the package a bundled file belongs to, relative to the root; undefined for a file of ours. */
function packageFolder(input) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

/**
 * The text of THIRD_PARTY_LICENSES: each bundled package with its version, its licence's name and every licence file it ships.
 * @param {string} root
 * @param {Iterable<string>} inputs bundled files, relative to root
 * @throws when a package names no licence
 */
export async function thirdPartyLicenses(root, inputs) {
  const folders = new Set([...inputs].map(packageFolder).filter((folder) => folder !== undefined));
  const parts = new Map();
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    const files = (await readdir(join(root, folder)))
      .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
      .sort();
    if (!license && files.length === 0) throw new Error(`${name}@${version} in ${folder} comes without a licence.`);
    const texts = await Promise.all(files.map((file) => readFile(join(root, folder, file), 'utf8')));
    const body = texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n');
    parts.set(
      `${name}@${version}`,
      `${name} ${version} (${license ?? 'see below'})\n\n${body || 'No licence text in the package.'}`,
    );
  }
  const rule = `\n\n${'-'.repeat(80)}\n\n`;
  const heading = 'mcp-local-tunnel contains parts of these packages.';
  return `${[heading, ...[...parts.keys()].sort().map((key) => parts.get(key))].join(rule)}\n`;
}
