import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { System } from '../helpers/system.js';
import { FlowClient } from './flow-client.js';

const SERVER = fileURLToPath(new URL('../helpers/fixtures/stdio-server.mjs', import.meta.url));

/** They lie in memory that others lay in before, at the same server and at another. */
test('large results are their own, one after the other and several at a time', async () => {
  await using system = await System.start();
  const command = [process.execPath, SERVER, '{}'];
  await system.agent({ servers: { one: { command }, two: { command } } });
  const client = await FlowClient.open(system.endpoint, await system.token());
  const call = async (server: string, bytes: number) => {
    const text = randomBytes(bytes / 2).toString('hex');
    const said = await client.text(`${server}__echo`, { text });
    expect(said === JSON.stringify({ text }), `${bytes} bytes of ${server}`).toBe(true);
  };
  for (const bytes of [3_000_000, 1_500_000, 3_000_000, 10]) await call('one', bytes);
  for (let round = 0; round < 4; round += 1) {
    await Promise.all(['one', 'two', 'one', 'two'].map((server, at) => call(server, 1_000_000 * (1 + (at % 3)))));
  }
}, 60_000);
