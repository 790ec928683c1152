import { Buffer } from 'node:buffer';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Rooms } from './rooms.js';

const MIB = 1024 * 1024;
const room = (bytes: number, fill = 0) => Buffer.allocUnsafeSlow(bytes).fill(fill);

/** A room with a message in it that was given back. */
function given(rooms: Rooms, bytes: number): Buffer {
  const lent = room(bytes, 1);
  rooms.lend(lent);
  Rooms.giveBack(lent.subarray(10, 20));
  return lent;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('has what was given back for the next that needs as much, the smallest that will do', () => {
  const rooms = new Rooms();
  for (const bytes of [300, 100, 200]) given(rooms, bytes);
  expect(rooms.take(301)).toBeUndefined();
  expect([150, 150, 150].map((bytes) => rooms.take(bytes)?.length)).toEqual([200, 300, undefined]);
  expect(rooms.bytes).toBe(100);
  rooms.close();
});

it('takes it out of all hands: who reads on reads nothing, and never what lies there next', () => {
  const rooms = new Rooms();
  const lent = room(100, 1);
  const views = [lent, lent.subarray(50), new Uint8Array(lent.buffer)];
  rooms.lend(lent);
  Rooms.giveBack(lent);
  rooms.take(100)?.fill(2);
  expect(views.map((view) => view.length)).toEqual([0, 0, 0]);
  expect(lent[10]).toBeUndefined();
  rooms.close();
});

it('takes a room back once, and no memory that it has not lent', () => {
  const rooms = new Rooms();
  const lent = given(rooms, 100);
  Rooms.giveBack(lent);
  const own = room(100);
  Rooms.giveBack(own);
  Rooms.giveBack(Buffer.from('of the pool'));
  expect([own.length, rooms.bytes]).toEqual([100, 100]);
  rooms.close();
});

it('keeps 96 MiB at most, and none of more than 64', () => {
  const rooms = new Rooms();
  given(rooms, 64 * MIB + 1);
  expect(rooms.bytes).toBe(0);
  for (let index = 0; index < 3; index += 1) given(rooms, 40 * MIB);
  expect(rooms.bytes).toBe(80 * MIB);
  rooms.close();
});

it('keeps them for 5 s after the last came, and none once closed', () => {
  const rooms = new Rooms();
  given(rooms, 100);
  vi.advanceTimersByTime(4_000);
  given(rooms, 100);
  vi.advanceTimersByTime(4_999);
  expect(rooms.bytes).toBe(200);
  vi.advanceTimersByTime(1);
  expect(rooms.bytes).toBe(0);
  given(rooms, 100);
  rooms.close();
  expect([rooms.bytes, vi.getTimerCount()]).toEqual([0, 0]);
  given(rooms, 100);
  expect([rooms.bytes, vi.getTimerCount()]).toEqual([0, 0]);
});
