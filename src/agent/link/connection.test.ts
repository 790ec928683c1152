import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { encodeFrame, FrameType, MAX_FRAME_BYTES, NO_ID } from '../../protocol/frames.js';
import { encodeJson } from '../../protocol/messages.js';
import { Connection } from './connection.js';
import { dial } from './dial.js';

const HELLO = {
  versions: [1],
  instance: 'i',
  machine: 'm',
  name: 'laptop',
  app: { version: '1.0.0', platform: 'test' },
  calls: [],
  servers: [],
};
const WELCOME = encodeFrame(
  FrameType.welcome,
  false,
  NO_ID,
  encodeJson({
    version: 1,
    name: 'laptop',
    device: 'd',
    relay: 'r',
    heartbeatSeconds: 60,
    pongSeconds: 60,
    resultBytes: 1024,
    calls: {},
  }),
);
const CALL = '0123456789abcdef0123456789abcdef';

let server: WebSocketServer;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
});
afterEach(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

/** An agent's link to a relay that does what `relay` says. @returns how the link ended, at both ends */
async function linked(relay: (socket: WebSocket, connection: Connection) => void, greeted = true) {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = once(server, 'connection');
  const options = { token: 't', version: '1.0.0', signal: new AbortController().signal };
  const dialled = await dial({ ...options, relay: `http://127.0.0.1:${address.port}` });
  const [peer]: WebSocket[] = await accepted;
  if (peer === undefined) throw new Error('no peer');
  const frames: string[] = [];
  let end: (code: number) => void = () => {};
  const closed = new Promise<number>((resolve) => {
    end = resolve;
  });
  const connection = new Connection(dialled, {
    frame: ({ id }) => void frames.push(id),
    mark: () => {},
    delivered: () => {},
    drain: () => {},
    closed: (code) => end(code),
  });
  const greeting = connection.greet(HELLO, () => {}).catch(() => {});
  await once(peer, 'message');
  if (greeted) {
    peer.send(WELCOME);
    await greeting;
  }
  const [code] = await Promise.all([once(peer, 'close').then(([seen]) => seen), closed, relay(peer, connection)]);
  return { code, frames };
}

describe('a link to a relay that breaks the rules', () => {
  it.each<[string, (socket: WebSocket) => void, number]>([
    ['text', (socket) => socket.send('hello'), 4400],
    ['an empty frame', (socket) => socket.send(Buffer.alloc(0)), 4400],
    ['half a header', (socket) => socket.send(Buffer.alloc(17, FrameType.call)), 4400],
    [
      'a frame only agents send',
      (socket) => socket.send(encodeFrame(FrameType.goodbye, false, NO_ID, Buffer.alloc(0))),
      4400,
    ],
    ['a type that is none', (socket) => socket.send(Buffer.from([255, ...Buffer.alloc(17)])), 4400],
    ['a flag that is none', (socket) => socket.send(Buffer.from([FrameType.call, 2, ...Buffer.alloc(16)])), 4400],
    [
      'a drain without a number',
      (socket) => socket.send(encodeFrame(FrameType.drain, false, NO_ID, Buffer.from('{}'))),
      4400,
    ],
    ['a frame over 1 MiB', (socket) => socket.send(Buffer.alloc(MAX_FRAME_BYTES + 1)), 1009],
  ])('ends at %s, and nothing behind it is read', async (_what, send, code) => {
    const end = await linked((socket) => {
      send(socket);
      socket.send(encodeFrame(FrameType.call, false, CALL, Buffer.from('x')));
    });
    expect(end).toEqual({ code, frames: [] });
  });

  it('ends at a frame that comes before the welcome', async () => {
    const end = await linked(
      (socket) => socket.send(encodeFrame(FrameType.call, false, CALL, Buffer.from('x'))),
      false,
    );
    expect(end).toEqual({ code: 4400, frames: [] });
  });

  it('ends at a welcome that is none', async () => {
    const end = await linked(
      (socket) => socket.send(encodeFrame(FrameType.welcome, false, NO_ID, Buffer.from('{'))),
      false,
    );
    expect(end).toEqual({ code: 4400, frames: [] });
  });
});

it('reads nothing more of a link that it has closed', async () => {
  const call = encodeFrame(FrameType.call, false, CALL, Buffer.from('x'));
  const end = await linked((peer, connection) => {
    connection.close();
    // On its way, and there before the close is answered.
    peer.send(call);
  });
  expect(end).toEqual({ code: 1000, frames: [] });
});
