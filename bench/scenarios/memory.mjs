import { peakMiB, resetPeak, residentMiB } from '../lib/cpu.mjs';
import { drive } from '../lib/drive.mjs';

const MIB = 1024 * 1024;
/** The most calls come last: memory that a process has had stays with it for a while, and would count as the large results'. */
const LOADS = [
  { mib: 8, concurrency: 4 },
  { mib: 60, concurrency: 4 },
  { mib: 8, concurrency: 32 },
];

export const name = 'memory';

/** How high the relay's memory goes with results in flight: by how many, and by how large. */
export async function run(bench) {
  const { client, pids } = await bench.system('tunnel');
  const loads = bench.short ? LOADS.map(({ mib }) => ({ mib, concurrency: 2 })) : LOADS;
  const rows = [];
  const peaks = [];
  for (const { mib, concurrency } of loads) {
    const calls = bench.short ? concurrency : concurrency * 2;
    await drive(() => client.large(mib * MIB), concurrency, calls);
    const before = residentMiB(pids.relay);
    if (!resetPeak(pids.relay)) return bench.note('memory: the kernel does not let the peak be reset; not measured');
    await drive(() => client.large(mib * MIB), concurrency, calls);
    const peak = peakMiB(pids.relay);
    peaks.push(peak);
    rows.push({ load: `${mib} MiB × ${concurrency}`, 'relay before, MiB': round(before), 'peak, MiB': round(peak) });
  }
  bench.table('memory of the relay with results in flight', rows);
  const [few, big, many] = peaks;
  bench.fact('memory.perCallMiB', (many - few) / (LOADS[2].concurrency - LOADS[0].concurrency));
  bench.fact('memory.perCallBySizeMiB', (big - few) / LOADS[1].concurrency);
}

const round = (value) => value.toFixed(1);
