import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '../lib/client.mjs';
import { peakMiB, resetPeak, residentMiB } from '../lib/cpu.mjs';
import { at, drive, driveBeside, median } from '../lib/drive.mjs';

const MIB = 1024 * 1024;
const SLOW = 100;

export const name = 'beside';

/** A quick call beside slow ones, beside large results of the same device, and beside clients that never read. */
export async function run(bench) {
  const system = await bench.system('tunnel');
  const { client } = system;
  const count = bench.short ? 20 : 1000;
  // Its local server may itself be busy with the large result: that is not the tunnel's doing.
  const quick = () => client.echo(system.besideTool);
  await drive(quick, 1, count);
  const rows = [];
  const compare = async (key, what, beside) => {
    const figures = await inTurn(bench, { alone: async () => (await drive(quick, 1, count)).times, beside });
    rows.push({ 'a quick call': what, ...figures.row });
    bench.fact(`beside.${key}`, figures.ratio);
  };

  const slowMs = bench.short ? 500 : 3000;
  await compare('slow', `beside ${SLOW} slow ones`, () => {
    const slow = drive(() => client.slow(slowMs), SLOW, SLOW);
    return driveBeside(quick, slow, count);
  });
  const mib = bench.short ? 8 : 60;
  await client.large(mib * MIB);
  await compare('large', `beside results of ${mib} MiB`, () => {
    const large = drive(() => client.large(mib * MIB), 1, bench.short ? 1 : 4);
    return driveBeside(quick, large, count);
  });
  const growth = [];
  const stalling = bench.short ? 10 : 100;
  await compare('stalled', `beside ${stalling} that never read 8 MiB`, async () => {
    const { times, grown } = await stalled(bench, system, stalling, () => drive(quick, 1, count));
    growth.push(grown);
    return times;
  });
  bench.table('a quick call beside others', rows);
  bench.fact('beside.stalledMiB', Math.max(...growth));
  bench.note(
    `${stalling} clients that never read 8 MiB: the relay's memory grew by ${Math.max(...growth).toFixed(1)} MiB`,
  );
}

/** Alone and beside, in turn; medians of p50 and p99. */
async function inTurn(bench, { alone, beside }) {
  const runs = { alone: [], beside: [] };
  for (let round = 0; round < bench.rounds; round += 1) {
    runs.alone.push(await alone());
    runs.beside.push(await beside());
  }
  const pick = (which, share) => median(runs[which].map((times) => at(times, share)));
  const row = Object.fromEntries(
    ['beside', 'alone'].flatMap((which) => [
      [`${which} p50 ms`, pick(which, 0.5).toFixed(2)],
      [`${which} p99 ms`, pick(which, 0.99).toFixed(2)],
    ]),
  );
  return { row, ratio: pick('beside', 0.99) / pick('alone', 0.99) };
}

/** Clients that ask for 8 MiB and never read. @returns the times of `others` meanwhile, and by how many MiB the relay grew */
async function stalled(bench, system, count, others) {
  const { relay } = system.pids;
  const before = residentMiB(relay);
  resetPeak(relay);
  const readers = new Client(system);
  await readers.open();
  for (let index = 0; index < count; index += 1) readers.stall(8 * MIB);
  await pause(bench.short ? 300 : 3000);
  const { times } = await others();
  const grown = peakMiB(relay) - before;
  readers.close();
  // The local server they held up serves again.
  await system.client.echo();
  return { times, grown };
}
