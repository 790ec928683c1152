import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BareRelay } from '../lib/bare-relay.mjs';
import { Child, node, program } from '../lib/child.mjs';
import { Client } from '../lib/client.mjs';
import { cpuMs, measured } from '../lib/cpu.mjs';
import { Crowd } from '../lib/crowd.mjs';
import { drive, interleave, median } from '../lib/drive.mjs';

const DEVICES = 50;
const TOOLS = 20;
const CONCURRENCY = 16;
/** Lists asked for at a time. */
const LISTING = 4;

export const name = 'devices';

/** A user with one device beside a user with fifty, and a list of 1,000 tools beside the writing of its bytes. */
export async function run(bench) {
  const relay = await BareRelay.start();
  const crowd = new Crowd(relay.url);
  try {
    const devices = bench.short ? 10 : DEVICES;
    await crowd.join([{ token: await relay.linkToken('one'), name: 'device', tools: TOOLS }]);
    const token = await relay.linkToken('many');
    await crowd.join(Array.from({ length: devices }, (_, i) => ({ token, name: `device-${i}`, tools: TOOLS })));
    const users = [await user(relay, 'one', TOOLS), await user(relay, 'many', devices * TOOLS)];
    await calls(bench, relay, users);
    await lists(bench, relay, users[1]);
    for (const { client } of users) client.close();
  } finally {
    await crowd.leave();
    await relay.stop();
  }
}

async function user(relay, who, tools) {
  const client = new Client(await relay.system(who));
  await client.open();
  const names = (await untilListed(client, tools)).filter((tool) => tool.includes('tool-'));
  // One in the middle: neither the first nor the last looked at.
  client.tool = names[Math.floor(names.length / 2)];
  return { who, client, tools };
}

/** Catalogs come after the links. */
async function untilListed(client, tools) {
  for (;;) {
    const names = await client.names();
    if (names.filter((tool) => tool.includes('tool-')).length >= tools) return names;
  }
}

async function calls(bench, relay, users) {
  const count = bench.short ? 200 : 5000;
  for (const { client } of users) await drive(() => client.echo(), CONCURRENCY, Math.ceil(count / 4));
  const runs = await interleave(users, bench.rounds, async ({ client }) => {
    const pids = { relay: relay.pid };
    const { value, cpu } = await measured(pids, () => drive(() => client.echo(), CONCURRENCY, count));
    return { perSecond: value.perSecond, cpu: cpu.relay / count };
  });
  const pick = (one, key) => median(runs.get(one).map((run) => run[key]));
  bench.table(
    `echo × ${CONCURRENCY} by devices of the user`,
    users.map((one) => ({
      tools: one.tools,
      'calls/s': Math.round(pick(one, 'perSecond')),
      'relay CPU ms per call': pick(one, 'cpu').toFixed(3),
    })),
  );
  bench.fact('devices.callCpu', pick(users[1], 'cpu') / pick(users[0], 'cpu'));
}

async function lists(bench, relay, { client, tools }) {
  const count = bench.short ? 10 : 1500;
  const first = await client.list(tools);
  const bytes = first.body.length;
  const file = join(tmpdir(), `mcp-local-tunnel-bench-${process.pid}.json`);
  await writeFile(file, first.body);
  const writer = new Child(node(program('byte-server'), [file]));
  try {
    const [url] = await writer.line();
    const plain = new Client({ url, tool: client.tool });
    const subjects = [
      { what: 'tools/list', pid: relay.pid, ask: () => client.listAgain(first) },
      { what: 'the same bytes, written', pid: writer.pid, ask: () => plain.bytes(first.body) },
    ];
    for (const { ask } of subjects) await drive(ask, LISTING, count);
    const runs = await interleave(subjects, bench.rounds, async ({ pid, ask }) => {
      const before = cpuMs(pid);
      const { perSecond } = await drive(ask, LISTING, count);
      return { perSecond, cpu: (cpuMs(pid) - before) / count };
    });
    const pick = (one, key) => median(runs.get(one).map((run) => run[key]));
    bench.table(
      `a list of ${tools} tools, ${Math.round(bytes / 1024)} KiB`,
      subjects.map((one) => ({
        what: one.what,
        'lists/s': Math.round(pick(one, 'perSecond')),
        'CPU ms per list': pick(one, 'cpu').toFixed(3),
      })),
    );
    bench.fact('devices.listCpu', pick(subjects[0], 'cpu') / pick(subjects[1], 'cpu'));
    plain.close();
  } finally {
    await writer.stop();
    await rm(file);
  }
}
