// `node bench/profile.mjs [--top n] file.cpuprofile …`: where the CPU went, as tables, and as a flame graph beside each file.
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { flameGraph } from './lib/flame-graph.mjs';
import { sums } from './lib/profile-sums.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { top: { type: 'string', default: '30' } },
});
const top = Number(values.top);
const files = positionals.filter((file) => file.endsWith('.cpuprofile'));
if (files.length === 0) throw new Error('name the profiles: node bench/profile.mjs build/profiles/*');

for (const file of files) {
  const profile = JSON.parse(await readFile(file, 'utf8'));
  const { total, kinds, places, functions } = sums(profile);
  const page = file.replace(/\.cpuprofile$/, '.html');
  const title = `${basename(file, '.cpuprofile')}: ${Math.round(total)} ms`;
  await writeFile(page, flameGraph(profile, title));
  console.log(`${title} (flame graph: ${page})`);
  console.table(rows(kinds, total, 'kind'));
  console.table(rows(places.slice(0, top), total, 'package or folder'));
  console.table(rows(functions.slice(0, top), total, 'function'));
}

function rows(sorted, total, what) {
  return sorted.map(([key, ms]) => ({ [what]: key, ms: Math.round(ms), '%': ((ms / total) * 100).toFixed(1) }));
}
