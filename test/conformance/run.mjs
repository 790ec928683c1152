// `npm run conformance`: the official suite against our fixture servers directly, and through relay and agent; whatever
// passes directly must pass through. WORDS as arguments choose legs by name, e.g. `node run.mjs modern/stdio`.
import { runAuthorization } from './authorization.mjs';
import { ACROSS_LEFT_OUT, EMPTY, LEGACY, MERGED, MERGED_LEFT_OUT, MODERN, OF_THE_HOP } from './plan.mjs';
import { byName, runSuite } from './suite.mjs';
import { Tunnel } from './tunnel.mjs';

const chosen = process.argv.slice(2);
const started = Date.now();
const failures = [];
const rows = [];

const required = (revision) => (url) => runSuite(['server', '--url', url, '--requirements', revision]);
const some = (revision) => async (url) => {
  const found = new Map();
  for (const scenario of MERGED[revision]) {
    const args = ['--scenario', scenario, '--spec-version', revision];
    for (const [name, checks] of await runSuite(['server', '--url', url, ...args])) found.set(name, checks);
  }
  return found;
};

/** Each: what it is called, the endpoint, the revision, how it runs, and the fixture it is compared with. */
const LEGS = [
  { name: 'legacy/stdio', path: '/mcp/demo-laptop/legacy-stdio', revision: LEGACY },
  { name: 'legacy/http', path: '/mcp/demo-laptop/legacy-http', revision: LEGACY },
  { name: 'modern/stdio', path: '/mcp/demo-laptop/modern-stdio', revision: MODERN },
  { name: 'modern/http', path: '/mcp/demo-laptop/modern-http', revision: MODERN },
  { name: 'modern client, legacy server', path: '/mcp/demo-laptop/legacy-stdio', revision: MODERN, across: true },
  { name: 'legacy client, modern server', path: '/mcp/demo-laptop/modern-stdio', revision: LEGACY, across: true },
  { name: 'legacy at /mcp', path: '/mcp', revision: LEGACY, merged: true },
  { name: 'modern at /mcp', path: '/mcp', revision: MODERN, merged: true },
].filter(({ name }) => chosen.length === 0 || chosen.some((word) => name.includes(word)));

function fail(leg, scenario, check, why) {
  failures.push(`${leg}: ${scenario}: ${check}: ${why}`);
}

const passed = (checks) => checks.filter(({ status }) => status === 'SUCCESS').length;
const bad = ({ status }) => status === 'FAILURE' || status === 'WARNING';

/** Directly, all must pass and something must have happened. */
function judgeDirect(leg, found) {
  for (const [scenario, checks] of found) {
    if (passed(checks) === 0 && EMPTY[scenario] === undefined) fail(leg, scenario, '-', 'nothing happened');
    for (const [name, check] of byName(checks)) if (bad(check)) fail(leg, scenario, name, check.errorMessage);
  }
}

/** Check by check: what passed directly passes here, and nothing else goes wrong. */
function judgeThrough(leg, direct, found, leftOut) {
  for (const [scenario, checks] of direct) {
    if (EMPTY[scenario] !== undefined || leftOut(scenario)) continue;
    const mine = byName(found.get(scenario) ?? []);
    if (passed([...mine.values()]) === 0) fail(leg, scenario, '-', 'nothing happened');
    for (const [name, { status }] of byName(checks)) {
      const key = `${scenario}:${name}`;
      if (status !== 'SUCCESS' || leftOut(key) || mine.get(name)?.status === 'SUCCESS') continue;
      if (OF_THE_HOP[key] !== undefined && mine.get(name)?.status === 'INFO') continue;
      const { status: now = 'not there', errorMessage = 'passes directly' } = mine.get(name) ?? {};
      fail(leg, scenario, name, `${now}: ${errorMessage}`);
    }
    for (const [name, check] of mine) {
      if (bad(check) && byName(checks).get(name)?.status !== 'SUCCESS') fail(leg, scenario, name, check.errorMessage);
    }
  }
}

function row(leg, found, since, before) {
  const checks = [...found.values()].flat();
  rows.push({
    leg,
    scenarios: found.size,
    'checks passed': passed(checks),
    failing: failures.length - before,
    seconds: Math.round((Date.now() - since) / 1000),
  });
  console.log(`${leg}: ${passed(checks)} checks passed, ${failures.length - before} failing`);
}

async function runLeg(tunnel, direct, { name, path, revision, across, merged }) {
  const since = Date.now();
  const found = await (merged ? some(revision) : required(revision))(await tunnel.through(path));
  const before = failures.length;
  const leftOut = (what) => {
    if (across) return ACROSS_LEFT_OUT[revision][what] !== undefined;
    return merged === true && !what.includes(':') && !MERGED[revision].includes(what);
  };
  judgeThrough(name, direct[revision], found, leftOut);
  row(name, found, since, before);
}

async function runAll(tunnel) {
  const direct = {};
  for (const [era, revision] of [
    ['legacy', LEGACY],
    ['modern', MODERN],
  ]) {
    if (!LEGS.some((leg) => leg.revision === revision)) continue;
    const since = Date.now();
    const found = await required(revision)(tunnel.direct[era]);
    direct[revision] = found;
    const before = failures.length;
    judgeDirect(`${era}, direct`, found);
    row(`${era}, direct`, found, since, before);
  }
  const left = [...LEGS];
  const work = async () => {
    for (let leg = left.shift(); leg !== undefined; leg = left.shift()) await runLeg(tunnel, direct, leg);
  };
  await Promise.all([work(), work()]);
  if (chosen.length > 0 && !chosen.includes('authorization')) return;
  for (const revision of [LEGACY, MODERN]) {
    const since = Date.now();
    const found = await runAuthorization(tunnel, revision);
    const before = failures.length;
    judgeDirect(`authorization ${revision}`, found);
    row(`authorization ${revision}`, found, since, before);
  }
}

const tunnel = await Tunnel.start(LEGS.map(({ path }) => path));
try {
  await runAll(tunnel);
} finally {
  await tunnel.stop();
}
console.table(rows);
console.log('Left out at /mcp:');
for (const [scenarios, why] of MERGED_LEFT_OUT) console.log(`  ${scenarios}: ${why}`);
console.log('May differ from hop to hop:');
for (const [check, why] of Object.entries(OF_THE_HOP)) console.log(`  ${check}: ${why}`);
console.log('Left out between the eras:');
for (const [revision, out] of Object.entries(ACROSS_LEFT_OUT)) {
  for (const [what, why] of Object.entries(out)) console.log(`  ${revision} ${what}: ${why}`);
}
for (const [scenario, why] of Object.entries(EMPTY)) console.log(`Not exercised by the suite: ${scenario}: ${why}`);
for (const failure of failures) console.log(`✗ ${failure}`);
console.log(`${failures.length} failing, ${Math.round((Date.now() - started) / 1000)} s`);
process.exitCode = failures.length === 0 ? 0 : 1;
