import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { SUBPROTOCOL } from '../../protocol/frames.js';
import { dial, seenByNoIntermediary } from './dial.js';

it.each([
  ['https://relay.example.com', false, true],
  ['https://relay.example.com', true, true],
  ['http://127.0.0.1:8080', false, true],
  ['http://[::1]:8080', false, true],
  ['http://localhost', true, false],
  ['http://relay.example.com', false, false],
  ['http://192.168.1.2', false, false],
])('%s, through a proxy: %s; seen by no intermediary: %s', (relay, proxied, expected) => {
  expect(seenByNoIntermediary(relay, proxied)).toBe(expected);
});

it('marks its frames as masked, with a key that changes nothing', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = once(server, 'connection');
  const options = { token: 't', version: '1.0.0', signal: new AbortController().signal };
  const dialled = dial({ ...options, relay: `http://127.0.0.1:${address.port}` });
  const [peer]: Socket[] = await accepted;
  if (peer === undefined) throw new Error('no peer');
  const [request] = await once(peer, 'data');
  const key = /sec-websocket-key: (\S+)/i.exec(String(request))?.[1];
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  peer.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
  );
  const { socket } = await dialled;
  socket.send(Buffer.from('hello'));
  const [frame] = await once(peer, 'data');
  expect(frame).toEqual(Buffer.concat([Buffer.from([0x82, 0x85, 0, 0, 0, 0]), Buffer.from('hello')]));
  socket.terminate();
  peer.destroy();
  server.close();
});
