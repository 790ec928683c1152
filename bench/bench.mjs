// `npm run bench`: echo through relay and agent, beside the same tool on a plain SDK server. Interleaved, medians, CPU by role.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../scripts/demo/free-port.mjs';
import { Stage } from '../scripts/demo/stage.mjs';
import { cpuMs, peakMiB } from './cpu.mjs';
import { drive, Load } from './load.mjs';

const ROUNDS = 3;
const short = process.argv.includes('--short');
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const scenarios = [
  { name: 'echo 1 KB × 1', bytes: 1024, concurrency: 1, count: 2000 },
  { name: 'echo 1 KB × 16', bytes: 1024, concurrency: 16, count: 6000 },
  { name: 'echo 1 KB × 64', bytes: 1024, concurrency: 64, count: 8000 },
  { name: 'result 1 MiB × 4', bytes: 1024 * 1024, concurrency: 4, count: 100 },
  { name: 'result 8 MiB × 1', bytes: 8 * 1024 * 1024, concurrency: 1, count: 12 },
];

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const at = (times, share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];

async function measure(system, { bytes, concurrency, count }) {
  const calls = short ? Math.ceil(count / 20) : count;
  const before = Object.values(system.pids).map(cpuMs);
  const { perSecond, times } = await drive(() => system.load.echo(system.tool, { bytes }, bytes), concurrency, calls);
  const roles = Object.keys(system.pids);
  const cpu = Object.values(system.pids).map((pid, index) => (cpuMs(pid) - before[index]) / calls);
  return {
    perSecond,
    p50: at(times, 0.5),
    p99: at(times, 0.99),
    cpu: Object.fromEntries(roles.map((role, i) => [role, cpu[i]])),
  };
}

async function direct() {
  const child = spawn(process.execPath, [here('direct-server.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return {
    name: 'direct',
    tool: 'echo',
    load: new Load(line.toString().trim()),
    pids: { server: child.pid },
    stop: () => child.kill(),
  };
}

async function tunnel(stage) {
  // The bench is one client; what is measured is the path of a call, not the limits around it.
  const relay = await stage.relay(await freePort(0), { limits: { callsPerClient: 10_000, callsPerDevice: 10_000 } });
  const agent = await stage.agent({ local: { command: [process.execPath, here('echo-server.mjs')] } });
  const { client, token } = await stage.client();
  await client.close();
  const load = new Load(`${stage.url}/mcp`, token);
  return { name: 'tunnel', tool: 'local__echo', load, pids: { relay: relay.pid, agent: agent.pid } };
}

const stage = await Stage.open();
const plain = await direct();
try {
  const systems = [plain, await tunnel(stage)];
  for (const system of systems) await system.load.open();
  const rows = [];
  for (const scenario of scenarios) {
    const runs = systems.map(() => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [index, system] of systems.entries()) runs[index].push(await measure(system, scenario));
    }
    for (const [index, system] of systems.entries()) {
      const pick = (key) => median(runs[index].map((run) => run[key]));
      const cpu = Object.keys(system.pids).map(
        (role) => `${role} ${median(runs[index].map((run) => run.cpu[role])).toFixed(3)}`,
      );
      rows.push({
        scenario: scenario.name,
        system: system.name,
        'calls/s': Math.round(pick('perSecond')),
        'p50 ms': pick('p50').toFixed(2),
        'p99 ms': pick('p99').toFixed(2),
        'CPU ms/call': cpu.join(', '),
      });
    }
  }
  console.table(rows);
  const peaks = systems.flatMap(({ pids }) => Object.entries(pids).map(([role, pid]) => `${role} ${peakMiB(pid)} MiB`));
  console.log(`peak memory: ${peaks.join(', ')}; node ${process.version}`);
  for (const { load } of systems) load.close();
} finally {
  plain.stop();
  await stage.stop();
}
