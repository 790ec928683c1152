import { measured } from '../lib/cpu.mjs';
import { drive, interleave, median, medians } from '../lib/drive.mjs';
import { byRole } from '../lib/report.mjs';

const MIB = 1024 * 1024;
const SIZES = [
  { mib: 1, count: 64 },
  { mib: 8, count: 16 },
  { mib: 60, count: 4 },
];

export const name = 'large';

/** Results of 1, 8 and 60 MiB, one and four at a time, through every system in turn. */
export async function run(bench) {
  const all = await bench.systems();
  const alone = [];
  for (const { mib, count } of SIZES) {
    const systems = all.filter(({ largestMiB = mib }) => mib <= largestMiB);
    for (const { client } of systems) await client.large(mib * MIB);
    for (const concurrency of bench.short ? [1] : [1, 4]) {
      const calls = bench.short ? concurrency : Math.max(count, concurrency);
      const runs = await interleave(systems, bench.rounds, (system) => measure(system, { mib, concurrency, calls }));
      const middle = new Map(systems.map((system) => [system.name, middleOf(runs.get(system))]));
      bench.table(
        `result of ${mib} MiB × ${concurrency}`,
        [...middle].map(([system, run]) => row(system, run)),
      );
      if (concurrency === 1) alone.push({ mib, middle });
      facts(bench, `large${mib}x${concurrency}`, middle);
    }
  }
  const each = (mib, role) => {
    const { middle } = alone.find((entry) => entry.mib === mib);
    return middle.get('tunnel').cpu[role] / mib;
  };
  bench.fact('large.relayLinear', each(60, 'relay') / each(8, 'relay'));
  bench.fact('large.agentLinear', each(60, 'agent') / each(8, 'agent'));
}

async function measure({ client, pids }, { mib, concurrency, calls }) {
  const { value, cpu, peak } = await measured(pids, () => drive(() => client.large(mib * MIB), concurrency, calls));
  const each = Object.fromEntries(Object.entries(cpu).map(([role, ms]) => [role, ms / calls]));
  return { mibPerSecond: (calls * mib) / value.seconds, cpu: each, peak };
}

function middleOf(runs) {
  return {
    mibPerSecond: median(runs.map((run) => run.mibPerSecond)),
    cpu: medians(runs.map((run) => run.cpu)),
    peak: medians(runs.map((run) => run.peak)),
  };
}

function row(system, { mibPerSecond, cpu, peak }) {
  return {
    system,
    'MiB/s': Math.round(mibPerSecond),
    'CPU ms per result': byRole(cpu, 1),
    'peak MiB': byRole(peak, 0),
  };
}

function facts(bench, key, middle) {
  const [tunnel, floor] = [middle.get('tunnel'), middle.get('floor')];
  bench.fact(`${key}.relayCpu`, tunnel.cpu.relay / floor.cpu.relay);
  bench.fact(`${key}.agentCpu`, tunnel.cpu.agent / floor.cpu.agent);
  bench.fact(`${key}.mibPerSecond`, tunnel.mibPerSecond / floor.mibPerSecond);
}
