import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { limitDefaults } from '../config/limits.js';
import { HttpFront } from './http-front.js';

/** Longer than a test may take. */
const NEVER_MS = 3_600_000;

it('is not held up by a connection that has asked for nothing yet', async () => {
  const front = new HttpFront(limitDefaults, () => false);
  const port = await front.listen(0, '127.0.0.1');
  const accepted = once(front.server, 'connection');
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await accepted;
  const closed = once(socket, 'close');
  await front.close(NEVER_MS);
  await closed;
});

it('lets a request end', async () => {
  const front = new HttpFront(limitDefaults, () => false);
  const port = await front.listen(0, '127.0.0.1');
  let end = () => {};
  const asked = new Promise<void>((resolve) => {
    front.serve({
      request: (_req, res) => {
        end = () => void res.end('in time');
        resolve();
      },
      upgrade: async () => undefined,
    });
  });
  // One connection for one request: another's would stay open until it is idle too long.
  const answer = once(get({ port, host: '127.0.0.1', agent: false }), 'response');
  await asked;
  const closed = front.close(NEVER_MS);
  end();
  const [response] = await answer;
  expect(await text(response)).toBe('in time');
  await closed;
});

/** Asks for a WebSocket. @returns all that is answered until the connection ends */
async function upgradeAt(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write('GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  return text(socket);
}

it('lets agents in that came while it was starting', async () => {
  const front = new HttpFront(limitDefaults, () => false);
  const port = await front.listen(0, '127.0.0.1');
  const came = once(front.server, 'upgrade');
  const answer = upgradeAt(port);
  await came;
  front.serve({ request: () => undefined, upgrade: async (req, socket) => void socket.end(`to ${req.url}`) });
  expect(await answer).toBe('to /ws');
  await front.close(NEVER_MS);
});

it('tells them to come back when its start has failed, and more than a thousand at once', async () => {
  const front = new HttpFront(limitDefaults, () => true);
  const port = await front.listen(0, '127.0.0.1');
  const upgrades = new Set<Promise<string>>();
  for (let index = 0; index < 1000; index += 1) {
    const came = once(front.server, 'upgrade');
    upgrades.add(upgradeAt(port));
    await came;
  }
  expect(await upgradeAt(port)).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n/);
  const closed = front.close(NEVER_MS);
  for (const answer of await Promise.all(upgrades)) expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  await closed;
});

it('tells each response of its connection’s end, also one that waits behind others', async () => {
  const front = new HttpFront(limitDefaults, () => false);
  const port = await front.listen(0, '127.0.0.1');
  const closed: string[] = [];
  const destroyed: boolean[] = [];
  let asked = () => {};
  const all = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const over = new Promise<void>((resolve) => {
    front.serve({
      request: (req, res) => {
        if (req.url === '/quick') res.end();
        res.on('close', () => {
          closed.push(`${req.url}`);
          destroyed.push(res.destroyed);
          if (closed.length === 4) resolve();
        });
        if (req.url === '/4') asked();
      },
      upgrade: async () => undefined,
    });
  });
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  for (const path of ['/quick', '/2', '/3', '/4']) socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await all;
  socket.destroy();
  await over;
  expect(closed.sort()).toEqual(['/2', '/3', '/4', '/quick']);
  expect(destroyed).toEqual([true, true, true, true]);
  await front.close(NEVER_MS);
});
