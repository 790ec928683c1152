import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { loggerTo } from '../../../test/helpers/logger.js';
import { Link } from './link.js';

/** Dials a relay that answers each upgrade with the next of these statuses. @returns how long the agent waits after each, ms */
async function waits(statuses: readonly number[], accessToken = async () => 'token'): Promise<number[]> {
  const left = [...statuses];
  const server = createServer((_req, res) => void res.writeHead(left.shift() ?? 500).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const ended = new AbortController();
  const waited: number[] = [];
  const logger = loggerTo((_level, _message, { wait } = {}) => {
    waited.push(Number(wait));
    if (waited.length === statuses.length) ended.abort();
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
      hello: () => {
        throw new Error('there is no link');
      },
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
