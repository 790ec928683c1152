import { setTimeout as pause } from 'node:timers/promises';
import { peakMiB, resetPeak, residentMiB } from '../lib/cpu.mjs';
import { at, drive, driveBeside } from '../lib/drive.mjs';

const MIB = 1024 * 1024;
const SLOW = 100;
const STALLED = 100;

export const name = 'beside';

/** A quick call alone, beside slow ones, beside a large result of the same device, and beside clients that never read. */
export async function run(bench) {
  const system = await bench.system('tunnel');
  const { client } = system;
  const count = bench.short ? 20 : 1000;
  // Its local server may itself be busy with the large result: that is not the tunnel's doing.
  const quick = () => client.echo(system.besideTool);
  const alone = async () => (await drive(quick, 1, count)).times;
  await alone();
  const rows = [];
  const compare = async (what, times) => {
    const base = await alone();
    rows.push({
      'a quick call': what,
      'p50 ms': at(times, 0.5).toFixed(2),
      'p99 ms': at(times, 0.99).toFixed(2),
      'alone p99 ms': at(base, 0.99).toFixed(2),
    });
    return at(times, 0.99) / at(base, 0.99);
  };

  const slowMs = bench.short ? 500 : 3000;
  const slow = drive(() => client.slow(slowMs), SLOW, SLOW);
  bench.fact('beside.slow', await compare(`beside ${SLOW} slow ones`, await driveBeside(quick, slow, count)));

  await client.large(60 * MIB);
  const large = drive(() => client.large(60 * MIB), 1, bench.short ? 1 : 6);
  bench.fact('beside.large', await compare('beside results of 60 MiB', await driveBeside(quick, large, count)));

  await stalled(bench, { system, quick, count, compare });
  bench.table('a quick call beside others', rows);
}

/** Clients that ask for 8 MiB and never read: the relay's memory, and other calls meanwhile. */
async function stalled(bench, { system, quick, count, compare }) {
  const { client, pids } = system;
  const { Client } = await import('../lib/client.mjs');
  const before = residentMiB(pids.relay);
  resetPeak(pids.relay);
  const readers = new Client(system);
  await readers.open();
  for (let index = 0; index < STALLED; index += 1) readers.stall(8 * MIB);
  await pause(bench.short ? 500 : 3000);
  const { times } = await drive(quick, 1, count);
  const grown = peakMiB(pids.relay) - before;
  readers.close();
  bench.fact('beside.stalled', await compare(`beside ${STALLED} that never read 8 MiB`, times));
  bench.fact('beside.stalledMiB', grown);
  bench.note(`${STALLED} clients that never read 8 MiB: the relay's memory grew by ${grown.toFixed(1)} MiB`);
  // The server they held up serves again.
  await client.echo();
}
