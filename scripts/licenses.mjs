/** Licences of what is inside the bundles. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Folder of the package a bundled file belongs to, relative to the root; undefined for a file of ours. */
function packageFolder(input) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

/** Texts of the licence files a package ships; where it ships none, what its README says under that heading. */
async function licenseTexts(folder) {
  const names = (await readdir(folder)).sort();
  const read = async (name) => (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n').trim();
  const files = names.filter((name) => /^(licen[cs]e|notice|copying)/i.test(name));
  if (files.length > 0) return Promise.all(files.map(read));
  const readme = names.find((name) => /^readme/i.test(name));
  const section = readme && /^#+ *licen[cs]e[\s\S]*/im.exec(await read(readme));
  return section ? [section[0]] : [];
}

/**
 * The text of THIRD_PARTY_LICENSES: each bundled package with its version, its licence's name and text.
 * @param {string} root
 * @param {Iterable<string>} inputs bundled files, relative to root
 * @throws when a package says nothing of its licence
 */
export async function thirdPartyLicenses(root, inputs) {
  const folders = new Set([...inputs].map(packageFolder).filter((folder) => folder !== undefined));
  const parts = new Map();
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    const texts = await licenseTexts(join(root, folder));
    if (!license && texts.length === 0) throw new Error(`${name}@${version} in ${folder} comes without a licence.`);
    parts.set(`${name} ${version}`, [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n'));
  }
  const rule = `\n\n${'-'.repeat(80)}\n\n`;
  const heading = 'mcp-local-tunnel contains parts of these packages.';
  return `${[heading, ...[...parts.keys()].sort().map((key) => parts.get(key))].join(rule)}\n`;
}
