import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeldMemory } from '../../src/agent/agent-types.js';
import { StdioTransport } from '../../src/agent/servers/stdio/stdio-transport.js';
import { type Machine, System } from '../helpers/system.js';
import { FlowClient } from './flow-client.js';

const MiB = 1024 * 1024;

let system: System;
let machine: Machine;
let client: FlowClient;

beforeAll(async () => {
  system = await System.start({ limits: { requestBytes: 64 * MiB } });
  const path = fileURLToPath(new URL('fixtures/flooding-server.mjs', import.meta.url));
  const server = (name: string) => ({ command: [process.execPath, path, join(system.path, name)], era: 'legacy' });
  ({ machine } = await system.agent({
    servers: { stdio: server('stdio'), many: server('many'), quick: server('quick') },
  }));
  client = await FlowClient.open(system.endpoint, await system.token());
});

afterAll(() => system?.[Symbol.asyncDispose]());

test('a call of 60 MiB waits for a server that does not read, holds up no other, and arrives whole', async () => {
  const pid = Number(await client.text('stdio__deaf'));
  const args = { text: 'x'.repeat(60 * MiB) };
  let answered = false;
  const large = client.text('stdio__echo', args).finally(() => {
    answered = true;
  });
  for (let n = 0; n < 200; n += 1) expect(await client.text('quick__echo')).toBe('2');
  expect(answered).toBe(false);
  process.kill(pid, 'SIGUSR2');
  expect(await large).toBe(String(JSON.stringify(args).length));
}, 60_000);

async function held(): Promise<HeldMemory> {
  const { stdout } = await machine.run('status', '--json');
  return JSON.parse(stdout).agent.snapshot.held;
}

test('of many large calls the agent takes what it may hold, and the rest when the server reads again', async () => {
  const pid = Number(await client.text('many__deaf'));
  const args = { text: 'x'.repeat(8 * MiB) };
  const calls = Array.from({ length: 15 }, () => client.text('many__echo', args));
  let before = -1;
  for (;;) {
    for (let n = 0; n < 50; n += 1) expect(await client.text('quick__echo')).toBe('2');
    const { uploads, unreadInput } = await held();
    // What may be unread before no more comes, the message that made it so, what uploads may hold, and a window of each.
    expect(uploads + unreadInput).toBeLessThan((8 + 9 + 64 + 15 / 4) * MiB);
    if (unreadInput > 8 * MiB && uploads === before) break;
    before = uploads;
  }
  process.kill(pid, 'SIGUSR2');
  expect(await Promise.all(calls)).toEqual(calls.map(() => String(JSON.stringify(args).length)));
  expect(await held()).toMatchObject({ requests: 0, uploads: 0, unreadInput: 0 });
}, 120_000);

test('what waits for a server that does not read has a bound, and is refused with words above it', async () => {
  const deaf = new StdioTransport({
    command: [process.execPath, '-e', 'console.log(7); setInterval(() => {}, 1000)'],
    env: {},
    messageBytes: MiB,
    platform: process.platform,
    unreadBytes: 8 * MiB,
  });
  const ready = new Promise<void>((resolve) => {
    void deaf.start({ message: () => resolve(), failed: () => undefined, ended: () => undefined });
  });
  await ready;
  const message = Buffer.alloc(MiB, 0x20);
  const refused: string[] = [];
  const sent = Array.from({ length: 40 }, () =>
    Promise.resolve(deaf.send(message, {})).catch((error: Error) => {
      refused.push(error.message);
      return false;
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(refused.length).toBeGreaterThan(30);
  expect(refused[0]).toMatch(/does not read its input: 8 MiB wait/);
  await deaf.close();
  expect((await Promise.allSettled(sent)).length).toBe(40);
});
