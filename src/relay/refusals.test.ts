import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { Refusals } from './refusals.js';

it('looks at nothing that was sent behind the last answer', async () => {
  const refusals = new Refusals(3);
  const looked = { at: 0, away: 0 };
  const server = createServer((req, res) => {
    if (refusals.ended(req)) {
      looked.away += 1;
      return;
    }
    looked.at += 1;
    refusals.follow(req, res);
    res.writeHead(401).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10));
  expect((await text(socket)).match(/Connection: [a-z-]+/gi)).toEqual([
    'Connection: keep-alive',
    'Connection: keep-alive',
    'Connection: close',
  ]);
  expect(looked).toEqual({ at: 3, away: 7 });
  server.close();
});
