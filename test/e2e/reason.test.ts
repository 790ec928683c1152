import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestClient } from '../helpers/clients.js';
import { System } from '../helpers/system.js';

const said = 'the key of this machine is missing';

let system: System;
let client: TestClient;

beforeAll(async () => {
  system = await System.start();
  const crashing = [process.execPath, '-e', `console.error(${JSON.stringify(said)}); process.exitCode = 1`];
  const servers = { gone: { command: ['no-such-program-here'] }, crashing: { command: crashing } };
  const machine = await system.machine({ servers });
  await machine.login();
  await machine.start().line(/online at/);
  client = await system.client('alice', { manage: true });
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
});

// `restart` answers once each server is ready or has failed.
test.each(['restart', 'status'])('%s says why a server is not ready, and nothing of what it wrote', async (tool) => {
  const text = await client.text(tool);
  expect(text).toMatch(/ {2}gone: \w+, 0 tools: its program or working folder was not found; .*status/);
  expect(text).toMatch(/ {2}crashing: \w+, 0 tools: it ended by itself; /);
  expect(text).not.toContain(said);
});
