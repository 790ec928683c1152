import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '../lib/client.mjs';
import { OwnTunnel, untilRight } from '../lib/own-tunnel.mjs';

export const name = 'outage';

/** The relay is gone for a while. From its port being open again: how long until a call works. */
export async function run(bench) {
  const seconds = bench.short ? 1 : 20;
  const own = await OwnTunnel.open();
  try {
    const client = new Client(own.system);
    await client.open();
    await client.echo();
    const times = [];
    for (let round = 0; round < (bench.short ? 1 : 3); round += 1) {
      process.kill(own.relay.pid, 'SIGKILL');
      await own.relay.ended();
      await pause(seconds * 1000);
      own.startRelay();
      await untilRight(() => portOpen(own.port));
      const began = performance.now();
      await untilRight(() => client.echo(), 20);
      times.push((performance.now() - began) / 1000);
    }
    client.close();
    const worst = Math.max(...times);
    bench.table(`after the relay was killed and away for ${seconds} s`, [
      { 'first right call after s': times.map((time) => time.toFixed(2)).join(', ') },
    ]);
    bench.fact('outage.seconds', worst);
  } finally {
    await own.close();
  }
}

async function portOpen(port) {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
