import { setTimeout as pause } from 'node:timers/promises';
import { BareRelay } from '../lib/bare-relay.mjs';
import { cpuMs, residentMiB } from '../lib/cpu.mjs';
import { Crowd } from '../lib/crowd.mjs';

/** The default of `limits.devicesPerUser`. */
const PER_USER = 50;
const TOOLS = 5;

export const name = 'idle';

/** A relay with many agents that do nothing but answer pings: its memory, and its CPU over two heartbeats. */
export async function run(bench) {
  // What is measured comes after they have joined.
  const relay = await BareRelay.start({ linksPerSecond: 10_000 });
  const crowd = new Crowd(relay.url);
  const rows = [{ agents: 0, 'relay, MiB': residentMiB(relay.pid).toFixed(0) }];
  let here = 0;
  try {
    for (const agents of bench.short ? [100] : [100, 1000, 5000]) {
      const began = performance.now();
      await crowd.join(await newAgents(relay, here, agents));
      here = agents;
      const joined = (performance.now() - began) / 1000;
      const seconds = bench.short ? 1 : 31;
      await pause(seconds * 500);
      const before = cpuMs(relay.pid);
      await pause(seconds * 1000);
      const core = (cpuMs(relay.pid) - before) / (seconds * 1000);
      const resident = residentMiB(relay.pid);
      rows.push({
        agents,
        'relay, MiB': resident.toFixed(0),
        'CPU, % of a core': (core * 100).toFixed(2),
        'all online after s': joined.toFixed(1),
      });
      bench.fact(`idle${agents}.mib`, resident);
      bench.fact(`idle${agents}.core`, core);
    }
  } finally {
    await crowd.leave();
    await relay.stop();
  }
  bench.table(`idle agents, each with ${TOOLS} tools`, rows);
}

/** Agents from number `from` up to `to`. */
export async function newAgents(relay, from, to, tools = TOOLS) {
  const agents = [];
  for (let index = from; index < to; index += 1) {
    const user = `user-${Math.floor(index / PER_USER)}`;
    agents.push({ token: await relay.linkToken(user), name: `device-${index % PER_USER}`, tools });
  }
  return agents;
}
