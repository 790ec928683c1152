import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { loggerTo } from '../../../test/helpers/logger.js';
import { encodeFrame, FrameType, NO_ID } from '../../protocol/frames.js';
import { encodeJson } from '../../protocol/messages.js';
import { Link } from './link.js';

afterEach(() => void vi.useRealTimers());

const HELLO = {
  versions: [1],
  instance: 'i',
  machine: 'm',
  name: 'laptop',
  app: { version: '1', platform: 'test' },
  calls: [],
  servers: [],
};
const WELCOME = {
  ...{ version: 1, name: 'laptop', device: 'd', relay: 'r' },
  ...{ heartbeatSeconds: 60, pongSeconds: 60, resultBytes: 1024, calls: {} },
};

/**
 * Dials a relay that answers each upgrade with the next of these statuses; 101 is a link that is welcomed and then cut.
 * @returns how long the agent waits after each of the others, ms
 */
async function waits(statuses: readonly number[], accessToken = async () => 'token'): Promise<number[]> {
  const left = [...statuses];
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (req, socket, head) => {
    const status = left.shift() ?? 500;
    if (status !== 101) return void socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    sockets.handleUpgrade(req, socket, head, (peer) => {
      peer.once('message', () => {
        peer.send(encodeFrame(FrameType.welcome, false, NO_ID, encodeJson(WELCOME)), () => peer.terminate());
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const ended = new AbortController();
  const waited: number[] = [];
  const logger = loggerTo((_level, _message, { wait } = {}) => {
    waited.push(Number(wait));
    if (waited.length === statuses.filter((status) => status !== 101).length) ended.abort();
  });
  const none = () => {};
  const link = new Link(
    {
      relay: `http://127.0.0.1:${address.port}`,
      version: '1',
      credentials: { accessToken },
      logger,
      whenRefused: 'stop',
    },
    {
      hello: () => HELLO,
      ...{ online: none, frame: none, mark: none, delivered: none, offline: none, draining: none, state: none },
    },
  );
  await link.run(ended.signal);
  server.close();
  return waited;
}

it('tries again within a second while a proxy has no relay behind it, and that slows nothing down which comes after', async () => {
  const [first = 0, ...away] = await waits([502, 502, 504, 503, 500]);
  const after = away.pop() ?? Number.POSITIVE_INFINITY;
  expect(first).toBeGreaterThanOrEqual(250);
  for (const wait of [first, ...away]) expect(wait).toBeLessThanOrEqual(1000);
  expect(after).toBeLessThanOrEqual(200);
});

it('tries again within a second, too, when it is a new token that cannot be had', async () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  const waited = await waits([0, 0, 0, 0], async () => {
    throw new Error('fetch failed', { cause: refused });
  });
  for (const wait of waited) expect(wait).toBeGreaterThanOrEqual(250);
  for (const wait of waited) expect(wait).toBeLessThanOrEqual(1000);
});

it('counts an outage from its own beginning, however soon it comes after another', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  // Less than what counts as a jump of the clock.
  const asked = [0, 24_000, 0, 0];
  const [, second = 0, third = 0] = await waits([502, 502, 101, 502], async () => {
    vi.setSystemTime(Date.now() + (asked.shift() ?? 0));
    return 'token';
  });
  expect(second).toBeGreaterThanOrEqual(600);
  expect(third).toBeLessThanOrEqual(500);
});
