import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { System } from '../helpers/system.js';
import { FlowClient, readEvents } from './flow-client.js';

const EVENTS = 1_000_000;

let system: System;
let client: FlowClient;

beforeAll(async () => {
  system = await System.start();
  const path = fileURLToPath(new URL('fixtures/flooding-server.mjs', import.meta.url));
  const command = [process.execPath, path, join(system.path, 'written')];
  await system.agent({ servers: { stdio: { command, era: 'legacy' } } });
  client = await FlowClient.open(system.endpoint, await system.token());
});

afterAll(() => system?.[Symbol.asyncDispose]());

// The server writes as fast as it can; it is slowed down to what the slowest hop takes, so that nothing is left out.
test('a million progress notifications of one call come in order, none lost, none doubled', async () => {
  const response = await client.call('stdio__flood', { events: EVENTS, together: 100 }, 7);
  const { progress, others } = await readEvents(response);
  expect(progress.length).toBe(EVENTS);
  expect(progress.findIndex((number, index) => number !== index + 1)).toBe(-1);
  expect(others).toEqual([expect.stringContaining('"flooded"')]);
}, 240_000);
