import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SocketWriter } from './socket-writer.js';

test('what is written in one round of events is held until its end, and no longer', async () => {
  const socket = new PassThrough();
  const writer = new SocketWriter(socket);
  for (const round of ['ab', 'cd']) {
    for (const byte of round) {
      writer.gather();
      socket.write(byte);
    }
    expect([socket.writableCorked, socket.read()]).toEqual([1, null]);
    await setImmediate();
    expect([socket.writableCorked, String(socket.read())]).toEqual([0, round]);
  }
});

test('a burst is held to the end of the next round, with what comes then; a single frame is not', async () => {
  const socket = new PassThrough();
  const writer = new SocketWriter(socket, true);
  const write = (bytes: string) => {
    for (const byte of bytes) {
      writer.gather();
      socket.write(byte);
    }
  };
  for (const [first, second] of [
    ['ab', 'cde'],
    ['fg', ''],
  ] as const) {
    write(first);
    await setImmediate();
    expect([socket.writableCorked, socket.read()]).toEqual([1, null]);
    write(second);
    await setImmediate();
    expect([socket.writableCorked, String(socket.read())]).toEqual([0, first + second]);
  }
  write('h');
  await setImmediate();
  expect([socket.writableCorked, String(socket.read())]).toEqual([0, 'h']);
});

test('a socket that has ended meanwhile is left alone', async () => {
  const socket = new PassThrough();
  new SocketWriter(socket).gather();
  socket.destroy();
  await setImmediate();
  expect(socket.destroyed).toBe(true);
});
