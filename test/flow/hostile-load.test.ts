import type { ClientRequest, IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeldMemory as AgentMemory } from '../../src/agent/agent-types.js';
import type { HeldMemory as RelayMemory } from '../../src/relay/held-memory.js';
import { Front, LINKS } from '../e2e/front.js';
import type { Program } from '../helpers/program.js';
import { type Machine, System } from '../helpers/system.js';
import { FlowClient, modernListen } from './flow-client.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const REQUEST = 4 * MiB;
const OPEN_REQUESTS = 128 * MiB;
const CALLS = 64;
const FLOODS = 20;
const EVENT = 16 * KiB;
const WINDOW = 256 * KiB;

let front: Front;
let system: System;
let machine: Machine;
let agent: Program;
let token: string;
let quick: FlowClient;

beforeAll(async () => {
  front = await Front.open();
  system = await System.start({
    front,
    limits: { openRequestBytes: OPEN_REQUESTS, callsPerClient: CALLS, callsPerDevice: CALLS, heartbeatSeconds: 1 },
  });
  const path = fileURLToPath(new URL('fixtures/flooding-server.mjs', import.meta.url));
  const server = (name: string) => ({ command: [process.execPath, path, join(system.path, name)], era: 'legacy' });
  ({ machine, agent } = await system.agent({
    servers: { loud: server('loud'), deaf: server('deaf'), quick: server('quick') },
  }));
  token = await system.token();
  quick = await FlowClient.open(system.endpoint, token, system.port);
}, 60_000);

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await front?.[Symbol.asyncDispose]();
});

async function agentHolds(): Promise<AgentMemory> {
  const { stdout } = await machine.run('status', '--json');
  return JSON.parse(stdout).agent.snapshot.held;
}

async function relayHolds(): Promise<RelayMemory> {
  const { relay } = system;
  const from = relay.here;
  relay.kill('SIGUSR2');
  const [line] = await relay.line(/memory held .*/, from);
  const figure = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(line)?.[1]);
  return {
    requests: figure('requests'),
    calls: figure('calls'),
    unsent: figure('unsent'),
    catalogs: figure('catalogs'),
    lists: figure('lists'),
    replays: figure('replays'),
  };
}

/** Both, each figure within its limit. */
async function look(): Promise<{ agent: AgentMemory; relay: RelayMemory }> {
  const [agent, relay] = [await agentHolds(), await relayHolds()];
  expect(relay.requests).toBeLessThanOrEqual(OPEN_REQUESTS / 2);
  // Of each request at most one copy, with a head.
  expect(relay.calls).toBeLessThanOrEqual(OPEN_REQUESTS / 2 + CALLS * 4 * KiB);
  // A window and a piece of each call towards its client, half a MiB and control frames towards the agent.
  expect(relay.unsent).toBeLessThanOrEqual(CALLS * MiB * 0.4 + MiB);
  expect(relay.catalogs).toBeLessThanOrEqual(MiB);
  expect(relay.lists).toBeLessThanOrEqual(MiB);
  expect(relay.replays).toBeLessThanOrEqual(65 * MiB);
  // What may be unread before no more comes, the message that made it so, what uploads may hold, and a window of each.
  expect(agent.uploads + agent.unreadInput).toBeLessThanOrEqual(8 * MiB + REQUEST + 64 * MiB + CALLS * WINDOW);
  // Of calls that were taken in whole: no more than the relay takes of one user.
  expect(agent.requests).toBeLessThanOrEqual(OPEN_REQUESTS / 2);
  // For each flood what progress may wait, a window of it that may be on its way, and an event over either; all else is small.
  expect(agent.results).toBeLessThanOrEqual(FLOODS * (512 * KiB + WINDOW + 2.5 * EVENT) + MiB);
  // A part of a line of each server.
  expect(agent.reading).toBeLessThanOrEqual(3 * EVENT * 1.5);
  expect(agent).toMatchObject({ sending: 0, keptTexts: 0, parked: 0 });
  return { agent, relay };
}

/** Until one of the two does not change any more. */
async function steady(figures: (now: Awaited<ReturnType<typeof look>>) => readonly number[]): Promise<void> {
  let before = '';
  for (;;) {
    for (let n = 0; n < 50; n += 1) expect(await quick.text('quick__echo')).toBe('2');
    const now = figures(await look()).join();
    if (now === before) return;
    before = now;
  }
}

test('whatever clients, servers and networks do, both ends hold no more than they may, and let go of it in the end', async () => {
  const slow = await FlowClient.open(system.endpoint, token, system.port);
  const streams: IncomingMessage[] = [];
  const uploads: ClientRequest[] = [];
  const lost: Promise<unknown>[] = [];
  const cancelled: number[] = [];
  const pid = Number(await quick.text('deaf__deaf'));

  // Clients that never read, at a server that writes as fast as it may; some listen besides, in both eras.
  for (let n = 1; n <= FLOODS; n += 1) {
    streams.push(await slow.call('loud__flood', { events: 1000, bytes: EVENT }, n));
    if (n % 4 === 0) cancelled.push(slow.last);
  }
  streams.push(await slow.listen(), await slow.listen(), await quick.listen());
  streams.push(await modernListen(system.endpoint, token), await modernListen(`${system.endpoint}/laptop/loud`, token));
  await look();
  // Uploads half sent.
  for (let n = 0; n < 10; n += 1) {
    const upload = slow.begin(REQUEST);
    upload.on('error', () => undefined);
    upload.write(Buffer.alloc(REQUEST / 2, 0x20));
    uploads.push(upload);
  }
  // Large params to a server that does not read; more than all bodies may be.
  const text = 'x'.repeat(REQUEST - KiB);
  for (let n = 0; n < 20; n += 1) {
    lost.push(slow.text('deaf__echo', { text }).catch((error: Error) => error));
    if (n % 4 === 0) cancelled.push(slow.last);
  }
  await steady(({ agent: held, relay }) => [held.unreadInput, relay.requests]);
  const reached = await look();
  expect(reached.relay.requests).toBeGreaterThan(20 * MiB);
  expect(reached.relay.calls).toBeGreaterThan(8 * MiB);
  expect(reached.agent.unreadInput).toBeGreaterThan(0);
  expect(reached.agent.results).toBeGreaterThan(MiB);

  // The link is cut in the midst of it, and again while the next one is busy with what was left.
  for (let n = 0; n < 2; n += 1) {
    const from = agent.here;
    expect(front.cut(LINKS)).toBe(1);
    await agent.line(/online at/, from);
    await look();
  }
  for (const id of cancelled) await slow.cancel(id);
  await steady(({ agent: held, relay }) => [held.unreadInput, relay.requests]);

  // A call of this revision goes on without its client, as far as it can.
  for (const stream of streams) stream.destroy();
  for (const upload of uploads) upload.destroy();
  process.kill(pid, 'SIGUSR2');
  await Promise.all(lost);
  const { replays } = await left();
  expect(replays).toBeGreaterThan(0);
  // That was kept for clients that come back, as long as they have a session.
  await slow.end();
  await quick.end();
  expect((await left()).replays).toBe(0);
}, 120_000);

/** Once nothing else is left: what is kept for clients that come back. */
async function left(): Promise<{ readonly replays: number }> {
  for (;;) {
    const { agent: held, relay } = await look();
    const { lists, replays, ...others } = relay;
    if (sum(held) + sum(others) === 0) return { replays };
  }
}

function sum(figures: object): number {
  return Object.values(figures).reduce((before: number, figure: number) => before + figure, 0);
}
