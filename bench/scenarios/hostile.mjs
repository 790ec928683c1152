import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { program } from '../lib/child.mjs';
import { at, drive } from '../lib/drive.mjs';
import { untilRight } from '../lib/own-tunnel.mjs';

/** An attack that holds calls up is not waited out. */
const MOST_MS = 30_000;

/** Of programs/hostile.mjs, and how many peers do it: a link is one login's, requests are anybody's. */
const ATTACKS = [
  ['slow headers', 200],
  ['slow bodies', 200],
  ['requests without a token', 40],
  ['a flood of them', 40],
  ['refused upgrades', 40],
  ['tiny frames', 40],
];

export const name = 'hostile';

/** An honest call beside peers that mean no good. */
export async function run(bench) {
  const { client, url, linkToken } = await bench.system('tunnel');
  const count = bench.short ? 20 : 1000;
  const calls = async () => (await drive(() => client.echo(), 1, count)).times;
  let failed = 0;
  // A call that fails under attack is as bad as the slowest, and the others are still to be tried.
  const attacked = async () => {
    const began = performance.now();
    const times = [];
    while (times.length < count && performance.now() - began < MOST_MS) {
      const since = performance.now();
      await client.echo().catch(() => {
        failed += 1;
      });
      times.push(performance.now() - since);
    }
    return times.sort((a, b) => a - b);
  };
  await calls();
  const rows = [row('none', await calls())];
  for (const [what, many] of ATTACKS) {
    const peers = bench.short ? 4 : many;
    failed = 0;
    const attack = fork(program('hostile'));
    const token = await linkToken('hostile');
    attack.send({ what, peers, url, token });
    await pause(bench.short ? 200 : 2000);
    const times = await attacked();
    attack.kill();
    await once(attack, 'exit');
    rows.push({ ...row(`${peers} × ${what}`, times), calls: times.length, failed });
    // What is left of the attack must not be taken for the next one.
    await untilRight(() => client.echo(), 100);
    bench.fact(`hostile.${what}`, at(times, 0.99));
  }
  bench.table('a call beside hostile peers', rows);
}

function row(peers, times) {
  return { peers, 'p50 ms': at(times, 0.5).toFixed(2), 'p99 ms': at(times, 0.99).toFixed(2) };
}
