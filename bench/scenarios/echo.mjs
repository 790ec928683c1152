import { measured } from '../lib/cpu.mjs';
import { at, drive, interleave, median, medians } from '../lib/drive.mjs';
import { byRole } from '../lib/report.mjs';

const LEVELS = [
  { concurrency: 1, count: 3000 },
  { concurrency: 16, count: 10_000 },
  { concurrency: 64, count: 10_000 },
  { concurrency: 256, count: 10_000 },
];

export const name = 'echo';

/** A short text there and back, at several concurrencies, through every system in turn. */
export async function run(bench) {
  const systems = await bench.systems();
  for (const { concurrency, count } of LEVELS) {
    const calls = bench.short ? Math.max(concurrency, 100) : count;
    await warm(systems, concurrency, calls);
    const runs = await interleave(systems, bench.rounds, (system) => measure(system, concurrency, calls));
    const middle = new Map(systems.map((system) => [system.name, middleOf(runs.get(system))]));
    bench.table(
      `echo × ${concurrency}`,
      [...middle].map(([system, run]) => row(system, run)),
    );
    facts(bench, concurrency, middle);
  }
}

async function warm(systems, concurrency, calls) {
  for (const { client } of systems) await drive(() => client.echo(), concurrency, Math.ceil(calls / 4));
}

async function measure({ client, pids }, concurrency, calls) {
  const { value, cpu, peak } = await measured(pids, () => drive(() => client.echo(), concurrency, calls));
  const each = Object.fromEntries(Object.entries(cpu).map(([role, ms]) => [role, ms / calls]));
  return { perSecond: value.perSecond, p50: at(value.times, 0.5), p99: at(value.times, 0.99), cpu: each, peak };
}

/** The median of every figure by itself. */
function middleOf(runs) {
  const pick = (read) => median(runs.map(read));
  return {
    perSecond: pick((run) => run.perSecond),
    p50: pick((run) => run.p50),
    p99: pick((run) => run.p99),
    cpu: medians(runs.map((run) => run.cpu)),
    peak: medians(runs.map((run) => run.peak)),
  };
}

function row(system, { perSecond, p50, p99, cpu, peak }) {
  return {
    system,
    'calls/s': Math.round(perSecond),
    'p50 ms': p50.toFixed(2),
    'p99 ms': p99.toFixed(2),
    'CPU ms per call': byRole(cpu, 3),
    'peak MiB': byRole(peak, 0),
  };
}

function facts(bench, concurrency, middle) {
  const tunnel = middle.get('tunnel');
  const floor = middle.get('floor');
  const direct = middle.get('direct');
  const key = `echo${concurrency}`;
  bench.fact(`${key}.relayCpu`, tunnel.cpu.relay / floor.cpu.relay);
  bench.fact(`${key}.relayCpuOfDirect`, tunnel.cpu.relay / direct.cpu.server);
  bench.fact(`${key}.agentCpu`, tunnel.cpu.agent / floor.cpu.agent);
  bench.fact(`${key}.perSecond`, tunnel.perSecond / direct.perSecond);
  bench.fact(`${key}.p50`, tunnel.p50 / floor.p50);
  bench.fact(`${key}.p99`, tunnel.p99 / floor.p99);
}
