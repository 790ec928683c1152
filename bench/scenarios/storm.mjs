import { BareRelay } from '../lib/bare-relay.mjs';
import { cpuMs, residentMiB } from '../lib/cpu.mjs';
import { Crowd } from '../lib/crowd.mjs';
import { newAgents } from './idle.mjs';

/** What cuts the links. */
const WAYS = {
  network: async (_relay, crowd) => crowd.cut(),
  restart: (relay) => relay.down('SIGTERM'),
  crash: (relay) => relay.down('SIGKILL'),
};

export const name = 'storm';

/**
 * All agents come back at once: to a relay that was there all the time, after a restart in good order, and after a
 * crash. A handshake is a link that came up; upgrades that were told to come later are counted beside them. The relay's
 * CPU is that since its start, or since the links were cut.
 */
export async function run(bench) {
  const agents = bench.short ? 50 : 1000;
  const relay = await BareRelay.start();
  const crowd = new Crowd(relay.url);
  const rows = [];
  try {
    await crowd.join(await newAgents(relay, 0, agents));
    for (const [how, cut] of Object.entries(WAYS)) {
      if (bench.short && how === 'crash') continue;
      const stays = how === 'network';
      const before = stays ? cpuMs(relay.pid) : 0;
      const went = Date.now();
      await cut(relay, crowd);
      const began = stays ? went : await upAgain(relay, crowd);
      await crowd.back(agents, went);
      const seconds = (Date.now() - began) / 1000;
      const { links, answers, refused } = crowd.since(went);
      rows.push({
        after: how,
        agents,
        'relay was away s': ((began - went) / 1000).toFixed(1),
        'all back after s': seconds.toFixed(1),
        'most handshakes in a second': links,
        'told to come later': refused,
        'most answers in a second': answers,
        'relay, CPU ms': (cpuMs(relay.pid) - before).toFixed(0),
        'relay, MiB': residentMiB(relay.pid).toFixed(0),
      });
      bench.fact(`storm.${how}Seconds`, seconds);
      bench.fact(`storm.${how}Most`, links);
    }
  } finally {
    await crowd.leave();
    await relay.stop();
  }
  bench.table('agents back after the relay', rows);
}

async function upAgain(relay, crowd) {
  await crowd.offline(0);
  await relay.up();
  return Date.now();
}
