import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { Heartbeat } from './heartbeat.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A heartbeat of 15 and 10 seconds over a socket whose network is in the test's hand. */
function rig() {
  const told: string[] = [];
  const line = Object.assign(new EventEmitter(), {
    OPEN: WebSocket.OPEN,
    readyState: WebSocket.OPEN,
    ping: () => told.push('ping'),
    terminate: () => told.push('terminate'),
  });
  const events = { ping: () => {}, pong: () => told.push('pong') };
  const heartbeat = new Heartbeat(line as unknown as WebSocket, 15, 10, events);
  return { told, line, heartbeat };
}

it('ends a link on which nothing comes back', () => {
  const { told, heartbeat } = rig();
  vi.advanceTimersByTime(25_000);
  expect(told).toEqual(['ping', 'terminate']);
  heartbeat.stop();
});

it('keeps one on which other frames come while the pong is late, and one ping is under way at a time', () => {
  const { told, line, heartbeat } = rig();
  vi.advanceTimersByTime(15_000);
  for (let second = 0; second < 60; second += 5) {
    heartbeat.heard();
    vi.advanceTimersByTime(5_000);
  }
  expect(told).toEqual(['ping']);
  line.emit('pong');
  expect(told).toEqual(['ping', 'pong']);
  heartbeat.stop();
});

it('ends one that falls silent after that, as soon as it has been silent for the whole time', () => {
  const { told, heartbeat } = rig();
  vi.advanceTimersByTime(20_000);
  heartbeat.heard();
  vi.advanceTimersByTime(9_999);
  expect(told).toEqual(['ping']);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['ping', 'terminate']);
  heartbeat.stop();
});
