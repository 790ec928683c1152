import { setTimeout as pause } from 'node:timers/promises';
import { Program } from '../../scripts/demo/program.mjs';
import { floor } from '../adapters/floor.mjs';
import { childrenCpuMs, childrenOf, cpuMs, residentMiB } from '../lib/cpu.mjs';
import { interleave, median } from '../lib/drive.mjs';
import { firstList, OwnTunnel } from '../lib/own-tunnel.mjs';

export const name = 'start';

/** What each command costs to start, everything from nothing to the first right tools/list, and what it weighs then. */
export async function run(bench) {
  const own = await OwnTunnel.open();
  try {
    await commands(bench, own);
    await own.stopBoth();
    await fromNothing(bench, own);
    await idle(bench, own);
  } finally {
    await own.close();
  }
}

async function commands(bench, { stage }) {
  const times = bench.short ? 1 : 10;
  const rows = [];
  for (const command of ['--help', 'status']) {
    const before = childrenCpuMs();
    const began = performance.now();
    for (let run = 0; run < times; run += 1) {
      const status = await (command === '--help' ? new Program(['--help'], {}) : stage.run(command)).ended();
      if (status !== 0) throw new Error(`${command} ended with status ${status}`);
    }
    const cpu = (childrenCpuMs() - before) / times;
    rows.push({ command, 'CPU ms': cpu.toFixed(0), 'time ms': ((performance.now() - began) / times).toFixed(0) });
    bench.fact(`start.${command}`, cpu);
  }
  bench.table('commands', rows);
}

async function fromNothing(bench, own) {
  const systems = [
    { name: 'floor', go: floorFromNothing },
    { name: 'tunnel', go: () => tunnelFromNothing(own) },
  ];
  const runs = await interleave(systems, bench.rounds, ({ go }) => go());
  const pick = (system, key) => median(runs.get(system).map((run) => run[key]));
  bench.table(
    'from nothing to the first right tools/list',
    systems.map((system) => ({
      system: system.name,
      'time ms': pick(system, 'ms').toFixed(0),
      'CPU ms, all processes': pick(system, 'cpu').toFixed(0),
      'relay CPU ms': pick(system, 'relay').toFixed(0),
      'agent CPU ms': pick(system, 'agent').toFixed(0),
    })),
  );
  const [base, ours] = systems;
  bench.fact('start.msOver', pick(ours, 'ms') - 2 * pick(base, 'ms'));
  bench.fact('start.cpuOver', pick(ours, 'cpu') - 2 * pick(base, 'cpu'));
}

async function floorFromNothing() {
  const began = performance.now();
  const system = floor();
  try {
    const started = await system.start();
    await firstList(started);
    return spent(began, started.pids);
  } finally {
    await system.stop();
  }
}

async function tunnelFromNothing(own) {
  const began = performance.now();
  own.startRelay();
  own.startAgent();
  try {
    await firstList(own.system);
    return spent(began, { relay: own.relay.pid, agent: own.agent.pid });
  } finally {
    await own.stopBoth();
  }
}

function spent(began, { relay, agent }) {
  const ms = performance.now() - began;
  const local = childrenOf(agent).reduce((sum, pid) => sum + cpuMs(pid), 0);
  return { ms, relay: cpuMs(relay), agent: cpuMs(agent), cpu: cpuMs(relay) + cpuMs(agent) + local };
}

async function idle(bench, own) {
  own.startRelay();
  own.startAgent();
  await firstList(own.system);
  await pause(bench.short ? 500 : 20_000);
  const [relay, agent] = [residentMiB(own.relay.pid), residentMiB(own.agent.pid)];
  bench.table('idle, one local server', [{ 'relay, MiB': relay.toFixed(0), 'agent, MiB': agent.toFixed(0) }]);
  bench.fact('start.idleRelayMiB', relay);
  bench.fact('start.idleAgentMiB', agent);
}
