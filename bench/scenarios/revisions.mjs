import { Client } from '../lib/client.mjs';
import { measured } from '../lib/cpu.mjs';
import { at, drive, interleave, median } from '../lib/drive.mjs';

const REVISIONS = ['2025-11-25', '2026-07-28'];
const CONCURRENCY = 16;

export const name = 'revisions';

/** The same call in both revisions, in turn. */
export async function run(bench) {
  const system = await bench.system('tunnel');
  const calls = bench.short ? 200 : 6000;
  const clients = new Map(REVISIONS.map((revision) => [revision, new Client(system, revision)]));
  for (const client of clients.values()) {
    await client.open();
    await client.list(1);
    await drive(() => client.echo(), CONCURRENCY, Math.ceil(calls / 4));
  }
  const runs = await interleave(REVISIONS, bench.rounds, async (revision) => {
    const client = clients.get(revision);
    const { value, cpu } = await measured(system.pids, () => drive(() => client.echo(), CONCURRENCY, calls));
    return {
      perSecond: value.perSecond,
      p99: at(value.times, 0.99),
      relay: cpu.relay / calls,
      agent: cpu.agent / calls,
    };
  });
  const pick = (revision, key) => median(runs.get(revision).map((run) => run[key]));
  bench.table(
    `echo × ${CONCURRENCY} by revision`,
    REVISIONS.map((revision) => ({
      revision,
      'calls/s': Math.round(pick(revision, 'perSecond')),
      'p99 ms': pick(revision, 'p99').toFixed(2),
      'CPU ms per call': `relay ${pick(revision, 'relay').toFixed(3)}, agent ${pick(revision, 'agent').toFixed(3)}`,
    })),
  );
  bench.fact('revisions.relayCpu', pick('2026-07-28', 'relay') / pick('2025-11-25', 'relay'));
  for (const client of clients.values()) client.close();
}
