// `node bench/profile.mjs file.cpuprofile …`: where the CPU went, by function and by package; idle time left out.
import { readFile } from 'node:fs/promises';

const TOP = 30;
const IDLE = new Set(['(idle)', '(program)', '(root)']);

for (const file of process.argv.slice(2)) {
  const { nodes, samples, timeDeltas } = JSON.parse(await readFile(file, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map();
  const packages = new Map();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const frame = byId.get(id);
    if (IDLE.has(frame.functionName)) continue;
    const ms = timeDeltas[index] / 1000;
    total += ms;
    add(functions, `${frame.functionName || '(anonymous)'} ${shortened(frame.url)}:${frame.lineNumber + 1}`, ms);
    add(packages, packageOf(frame), ms);
  }
  console.log(`${file}: ${Math.round(total)} ms`);
  console.table(rows(packages, total, 'package'));
  console.table(rows(functions, total, 'function'));
}

function add(sums, key, ms) {
  sums.set(key, (sums.get(key) ?? 0) + ms);
}

function rows(sums, total, what) {
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, TOP);
  return sorted.map(([key, ms]) => ({ [what]: key, ms: Math.round(ms), '%': ((ms / total) * 100).toFixed(1) }));
}

function packageOf({ functionName, url }) {
  if (functionName === '(garbage collector)') return functionName;
  const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(url)?.[1];
  if (name !== undefined) return name;
  const own = /\/dist\/((?:relay\/)?[^/]+)/.exec(url)?.[1];
  return own === undefined ? url.split('/', 2)[0] || '(native)' : `dist/${own}`;
}

function shortened(url) {
  return url.replace(/^.*\/(node_modules|dist)\//, '');
}
