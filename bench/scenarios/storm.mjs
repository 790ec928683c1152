import { BareRelay } from '../lib/bare-relay.mjs';
import { Crowd } from '../lib/crowd.mjs';
import { newAgents } from './idle.mjs';

const WAYS = [
  ['restart', 'SIGTERM'],
  ['crash', 'SIGKILL'],
];

export const name = 'storm';

/** All agents come back at once: after a restart in good order, and after a crash. */
export async function run(bench) {
  const agents = bench.short ? 50 : 1000;
  const relay = await BareRelay.start();
  const crowd = new Crowd(relay.url);
  const rows = [];
  try {
    await crowd.join(await newAgents(relay, 0, agents));
    for (const [how, signal] of bench.short ? WAYS.slice(0, 1) : WAYS) {
      const went = Date.now();
      await relay.down(signal);
      await crowd.offline(0);
      await relay.up();
      const began = Date.now();
      await crowd.online(agents);
      const seconds = (Date.now() - began) / 1000;
      const most = crowd.mostInASecond(went);
      rows.push({
        after: how,
        agents,
        'relay was away s': ((began - went) / 1000).toFixed(1),
        'all back after s': seconds.toFixed(1),
        'most handshakes in a second': most,
      });
      bench.fact(`storm.${how}Seconds`, seconds);
      bench.fact(`storm.${how}Most`, most);
    }
  } finally {
    await crowd.leave();
    await relay.stop();
  }
  bench.table('agents back after the relay', rows);
}
