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
