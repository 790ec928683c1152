import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { System } from '../helpers/system.js';
import { type FloodingHttp, floodingHttp } from './flooding-http.js';
import { FlowClient, readEvents } from './flow-client.js';

const EVENTS = 4000;
const BYTES = 16 * 1024;
/** What may lie in pipes, sockets, windows and the buffers between them; a TCP socket on loopback may hold 6 MiB. */
const ON_THE_WAY = 24 * 1024 * 1024;

let system: System;
let client: FlowClient;
let other: FlowClient;
const kinds = ['streamable', 'modern', 'sse'] as const;
const http = new Map<string, FloodingHttp>();
const counter = (name: string) => join(system.path, `${name}-written`);

/** An agent's config for the stdio fixture. */
function flooding(name: string) {
  const path = fileURLToPath(new URL('fixtures/flooding-server.mjs', import.meta.url));
  return { command: [process.execPath, path, counter(name)], era: 'legacy' };
}

beforeAll(async () => {
  system = await System.start();
  for (const kind of kinds) http.set(kind, await floodingHttp(kind));
  const urls = Object.fromEntries([...http].map(([kind, { url }]) => [kind, { url }]));
  await system.agent({ servers: { stdio: flooding('stdio'), quick: flooding('quick'), ...urls } });
  const token = await system.token();
  client = await FlowClient.open(system.endpoint, token);
  other = await FlowClient.open(system.endpoint, token);
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  for (const server of http.values()) await server.close();
});

/** Events that have left the server. */
async function written(server: string): Promise<number> {
  return http.get(server)?.written ?? Number(await readFile(counter(server), 'utf8'));
}

/** How far the server has got once it gets no further, however much else there is to do meanwhile. */
async function stopped(server: string): Promise<number> {
  for (let before = -1; ; ) {
    for (let n = 0; n < 100; n += 1) expect(await other.text('quick__echo')).toBe('2');
    const now = await written(server);
    if (now > 0 && now === before) return now;
    before = now;
  }
}

describe('a client that stops reading', () => {
  test.each(['stdio', ...kinds])(
    'stops the server, which goes on when it reads again: %s',
    async (server) => {
      const response = await client.call(`${server}__flood`, { events: EVENTS, bytes: BYTES }, 7);
      const reached = await stopped(server);
      expect(reached * BYTES).toBeLessThan(ON_THE_WAY);
      const { progress, others } = await readEvents(response);
      expect(progress).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
      expect(others).toEqual([expect.stringContaining('"flooded"')]);
      expect(await written(server)).toBe(EVENTS);
    },
    60_000,
  );

  // On one pipe with others there is no way to wait for one: there progress is let go of (call-events.ts).
  test.each(['streamable', 'modern'])(
    'and no other call at the same server: %s',
    async (server) => {
      const response = await client.call(`${server}__flood`, { events: EVENTS, bytes: BYTES }, 7);
      await stopped(server);
      expect(await other.text(`${server}__echo`, { a: 1 })).toBe('7');
      expect(await stopped(server)).toBeLessThan(EVENTS);
      const { progress } = await readEvents(response);
      expect(progress).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
    },
    60_000,
  );

  test.each(['stdio', 'sse'])(
    'keeps nobody else waiting where the server has one pipe for all: %s',
    async (server) => {
      const response = await client.call(`${server}__flood`, { events: EVENTS, bytes: BYTES }, 7);
      await stopped(server);
      // Beside others this call loses progress, but never the last of it.
      const others = await Promise.all([1, 2, 3].map(() => other.text(`${server}__echo`)));
      expect(others).toEqual(['2', '2', '2']);
      const { progress } = await readEvents(response);
      expect(progress).toEqual([...progress].sort((a, b) => a - b));
      expect(progress.at(-1)).toBe(EVENTS);
    },
    60_000,
  );
});
