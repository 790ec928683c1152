// `npm run bench -- [--short] [--only word …] [--adapter file …] [--source] [--profile folder] [--json file] [--write]`
// The tunnel beside what it is measured against, in the same run. `--short` looks only whether everything works.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { direct } from './adapters/direct.mjs';
import { floor } from './adapters/floor.mjs';
import { tunnel } from './adapters/tunnel.mjs';
import { freshBuild } from './lib/fresh-build.mjs';
import { LIMITS } from './lib/limits.mjs';
import { profileLoad } from './lib/profiling.mjs';
import { release } from './lib/release.mjs';
import { BUSY, isBusy, machine, markdown } from './lib/report.mjs';
import { Run } from './lib/run.mjs';
import { targetRows } from './lib/targets.mjs';
import * as beside from './scenarios/beside.mjs';
import * as devices from './scenarios/devices.mjs';
import * as echo from './scenarios/echo.mjs';
import * as hostile from './scenarios/hostile.mjs';
import * as idle from './scenarios/idle.mjs';
import * as large from './scenarios/large.mjs';
import * as memory from './scenarios/memory.mjs';
import * as outage from './scenarios/outage.mjs';
import * as revisions from './scenarios/revisions.mjs';
import * as start from './scenarios/start.mjs';
import * as storm from './scenarios/storm.mjs';

// Those that measure memory and time in processes of their own come last, when the shared ones have been stopped.
const shared = [echo, revisions, large, memory, beside, hostile];
const own = [devices, start, outage, storm, idle];

if (process.platform !== 'linux') throw new Error('the benchmark reads /proc, which only Linux has');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    adapter: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    profile: { type: 'string' },
    source: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const words = [...values.only, ...positionals];
const unknown = words.filter((word) => ![...shared, ...own].some(({ name }) => name === word));
if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}; see bench/README.md`);
if (values.write) {
  if (values.short) throw new Error('a short run says nothing about speed: it is not written down');
  if (values.profile !== undefined) throw new Error('profiles cost time: such a run is not written down');
  if (words.length > 0) throw new Error('RESULTS.md has all scenarios, from one run: --write goes without --only');
}
const began = performance.now();
// Before this program makes any load of its own.
const where = { ...machine(), program: values.source ? 'dist/' : 'the released bundle' };
const busy = isBusy();
freshBuild();
if (!values.source) process.env.MCP_LOCAL_TUNNEL_RUN = release();
let loadProfiled = async () => {};
if (values.profile !== undefined) {
  const folder = resolve(values.profile);
  process.env.MCP_LOCAL_TUNNEL_PROFILE = folder;
  loadProfiled = await profileLoad(folder);
}
// Every child ends with this process.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const wanted = ({ name }) => words.length === 0 || words.includes(name);
const others = await Promise.all(
  values.adapter.map(async (file) => Object.values(await import(pathToFileURL(file).href))[0]()),
);
const run = new Run([direct(), floor(), tunnel(), ...others], values.short);
console.log(
  Object.entries(where)
    .map(([key, value]) => `${key} ${value}`)
    .join(', '),
);
console.log(`limits raised for the load: ${JSON.stringify(LIMITS)}`);
if (busy) run.note(BUSY);
try {
  for (const scenario of shared.filter(wanted)) await run.scenario(scenario);
  await run.stop();
  for (const scenario of own.filter(wanted)) await run.scenario(scenario);
} finally {
  await run.stop();
  await loadProfiled();
}

const targets = targetRows(run.facts);
if (values.short) console.log('Everything answered right. A short run says nothing about speed.');
else if (targets.length > 0) console.table(targets);
const { tables, notes, facts, rounds } = run;
const minutes = Math.ceil((performance.now() - began) / 60_000);
const result = { where, minutes, limits: LIMITS, rounds, targets, notes, tables, facts };
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
if (values.write) await writeFile(new URL('RESULTS.md', import.meta.url), markdown(result));
