import type { ClientRequest, IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeldMemory as AgentMemory } from '../../src/agent/agent-types.js';
import type { HeldMemory as RelayMemory } from '../../src/relay/held-memory.js';
import { type Machine, System } from '../helpers/system.js';
import { FlowClient } from './flow-client.js';

const MiB = 1024 * 1024;
const REQUEST = 4 * MiB;
const OPEN_REQUESTS = 128 * MiB;
const CALLS = 64;

let system: System;
let machine: Machine;
let token: string;
let quick: FlowClient;

beforeAll(async () => {
  system = await System.start({
    limits: { openRequestBytes: OPEN_REQUESTS, callsPerClient: CALLS, callsPerDevice: CALLS },
  });
  const path = fileURLToPath(new URL('fixtures/flooding-server.mjs', import.meta.url));
  const server = (name: string) => ({ command: [process.execPath, path, join(system.path, name)], era: 'legacy' });
  ({ machine } = await system.agent({
    servers: { loud: server('loud'), deaf: server('deaf'), quick: server('quick') },
  }));
  token = await system.token();
  quick = await FlowClient.open(system.endpoint, token);
}, 60_000);

afterAll(() => system?.[Symbol.asyncDispose]());

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
  // A window and a piece of each call towards its client, half a MiB and control frames towards the agent.
  expect(relay.unsent).toBeLessThanOrEqual(CALLS * MiB * 0.4 + MiB);
  expect(relay.catalogs).toBeLessThanOrEqual(64 * MiB);
  expect(relay.lists).toBeLessThanOrEqual(64 * MiB);
  expect(relay.replays).toBeLessThanOrEqual(65 * MiB);
  // What may be unread before no more comes, the message that made it so, what uploads may hold, and a window of each.
  expect(agent.uploads + agent.unreadInput).toBeLessThanOrEqual(8 * MiB + REQUEST + 64 * MiB + CALLS * 0.25 * MiB);
  // Of calls that were taken in whole: no more than there may be at a time.
  expect(agent.requests).toBeLessThanOrEqual(CALLS * REQUEST);
  expect(agent.results).toBeLessThanOrEqual(CALLS * 17 * MiB);
  return { agent, relay };
}

test('whatever clients and servers do, both ends hold no more than they may, and let go of it in the end', async () => {
  const slow = await FlowClient.open(system.endpoint, token);
  const streams: IncomingMessage[] = [];
  const uploads: ClientRequest[] = [];
  const lost: Promise<unknown>[] = [];
  const pid = Number(await quick.text('deaf__deaf'));

  // Clients that never read, at a server that writes as fast as it may.
  for (let n = 1; n <= 20; n += 1) {
    streams.push(await slow.call('loud__flood', { events: 500, bytes: 16 * 1024 }, n));
  }
  await look();
  // Uploads half sent.
  for (let n = 0; n < 10; n += 1) {
    const upload = slow.begin(REQUEST);
    upload.on('error', () => undefined);
    upload.write(Buffer.alloc(REQUEST / 2, 0x20));
    uploads.push(upload);
  }
  // Large params to a server that does not read; more than all bodies may be.
  const text = 'x'.repeat(REQUEST - 1024);
  for (let n = 0; n < 20; n += 1) lost.push(slow.text('deaf__echo', { text }).catch((error: Error) => error));
  let reached = { agent: await agentHolds(), relay: await relayHolds() };
  for (;;) {
    for (let n = 0; n < 50; n += 1) expect(await quick.text('quick__echo')).toBe('2');
    const now = await look();
    if (now.agent.unreadInput === reached.agent.unreadInput && now.relay.requests === reached.relay.requests) break;
    reached = now;
  }
  expect(reached.relay.requests).toBeGreaterThan(20 * MiB);
  expect(reached.agent.unreadInput).toBeGreaterThan(0);

  // A call of this revision goes on without its client, as far as it can.
  for (const stream of streams) stream.destroy();
  for (const upload of uploads) upload.destroy();
  process.kill(pid, 'SIGUSR2');
  await Promise.all(lost);
  for (;;) {
    const { agent: held, relay } = await look();
    const rest = held.requests + held.uploads + held.unreadInput + held.results + relay.requests + relay.catalogs;
    if (rest === 0) break;
    expect(await quick.text('quick__echo')).toBe('2');
  }
}, 120_000);
