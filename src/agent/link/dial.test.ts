import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { SUBPROTOCOL } from '../../protocol/frames.js';
import { DialError, dial, seenByNoIntermediary } from './dial.js';

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

/** How dialling `relay` fails. */
async function failure(relay: string): Promise<Pick<DialError, 'code' | 'retryAfterSeconds'>> {
  const error: unknown = await dial({ relay, token: 't', version: '1.0.0', signal: new AbortController().signal }).then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof DialError)) throw error;
  const { code, retryAfterSeconds } = error;
  return { code, retryAfterSeconds };
}

it.each([
  [502, undefined, 'away', undefined],
  [503, undefined, 'away', undefined],
  [504, undefined, 'away', undefined],
  [521, undefined, 'away', undefined],
  [530, undefined, 'away', undefined],
  [503, '7', 'unavailable', 7],
  [503, '0', 'unavailable', 0],
  [503, '-1', 'away', undefined],
  [503, 'Wed, 21 Oct 2065 07:28:00 GMT', 'away', undefined],
  [502, '7', 'away', 7],
  [429, undefined, 'unavailable', undefined],
  [429, '7', 'unavailable', 7],
  [500, undefined, 'network', undefined],
  [408, undefined, 'network', undefined],
  [401, undefined, 'unauthorized', undefined],
  [403, undefined, 'forbidden', undefined],
  [404, undefined, 'not_a_relay', undefined],
  [200, undefined, 'not_a_relay', undefined],
])('status %i with Retry-After %s is %s', async (status, later, code, retryAfterSeconds) => {
  const server = createHttpServer((_req, res) => {
    res.writeHead(status, later === undefined ? {} : { 'retry-after': later }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  expect(await failure(`http://127.0.0.1:${address.port}`)).toEqual({ code, retryAfterSeconds });
  server.close();
});

it('a port where nothing listens, and one that hangs up, are away; a name that DNS does not know is not', async () => {
  const server = createServer((socket) => socket.resetAndDestroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const relay = `http://127.0.0.1:${address.port}`;
  expect(await failure(relay)).toMatchObject({ code: 'away' });
  server.close();
  await once(server, 'close');
  expect(await failure(relay)).toMatchObject({ code: 'away' });
  expect(await failure('http://no-such-name.invalid')).toMatchObject({ code: 'network' });
});
