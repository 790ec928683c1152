import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Gate } from '../gate.js';
import { ServerMemory } from '../server-memory.js';
import { bodyOf, HttpConnections } from './http-fetch.js';

const MiB = 1024 * 1024;

it('counts a request until the head of its answer is there, and the answer until it is whole', async () => {
  const server = createServer();
  onTestFinished(() => void server.close().closeAllConnections());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = new Promise<ServerResponse>((resolve) => server.once('request', (_req, res) => resolve(res)));
  const memory = new ServerMemory();
  const url = `http://127.0.0.1:${port}/`;
  const connections = new HttpConnections({ url, messageBytes: MiB, proxy: {}, memory });
  onTestFinished(() => connections.close());

  const post = connections.post({}, Buffer.alloc(1000), new AbortController().signal);
  const response = await asked;
  expect(memory).toMatchObject({ sending: 1000, reading: 0 });
  response.writeHead(200);
  response.write(Buffer.alloc(10_000));
  const answer = await post;
  expect(memory).toMatchObject({ sending: 0, reading: 0 });

  const full = new Gate();
  const room = new Gate();
  full.shut();
  room.shut();
  const pace = connections.pace(() => {
    full.open();
    return room.passage;
  });
  const body = bodyOf(answer, MiB, pace, () => {});
  await full.passage;
  expect(memory.reading).toBeGreaterThan(0);
  response.end();
  room.open();
  expect(await body).toHaveLength(10_000);
  expect(memory.reading).toBe(0);
});

it('counts nothing of a request that found no server', async () => {
  const memory = new ServerMemory();
  const connections = new HttpConnections({ url: 'http://127.0.0.1:1/', messageBytes: MiB, proxy: {}, memory });
  onTestFinished(() => connections.close());
  await expect(connections.post({}, Buffer.alloc(1000), new AbortController().signal)).rejects.toThrow();
  expect(memory.sending).toBe(0);
});
