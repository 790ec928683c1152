import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LastingListen } from '../../src/relay/mcp/calls/lasting-listen.js';
import { TestDevices } from './test-devices.js';

let devices: TestDevices;
let there: boolean;
let tryAgain: boolean;
let seen: unknown[];
let listen: LastingListen;
beforeEach(() => {
  vi.useFakeTimers();
  devices = new TestDevices();
  there = true;
  tryAgain = true;
  seen = [];
  const target = { userId: 'u', deviceId: 'd', server: 's' };
  const client = {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    endpoint: 'server',
    id: 'c',
    capabilities: {},
    ask: 'none',
    session: 'x',
  } as const;
  listen = new LastingListen(devices, 'u', {
    find: () => (there ? { target, request: { params: Buffer.from('{}'), client } } : undefined),
    acknowledged: (honoured, again) => seen.push(['acknowledged', honoured, again]),
    event: (method, _json, taken) => {
      seen.push(method);
      taken();
    },
    refused: (error) => {
      seen.push(JSON.parse(error.toString()));
      return tryAgain;
    },
  });
});
afterEach(() => {
  listen.close('over');
  expect(devices.listenersOf('u')).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it('opens again after a while, each time later, until it is acknowledged', async () => {
  listen.open();
  for (const pause of [1000, 2000, 4000]) {
    (await devices.next()).sink.fail({ code: 'offline', dispatched: false, message: 'away' });
    vi.advanceTimersByTime(pause - 1);
    expect(devices.waiting).toBe(0);
    vi.advanceTimersByTime(1);
    expect(devices.waiting).toBe(1);
  }
  const call = await devices.next();
  call.acknowledge({ a: true });
  call.result('{}');
  vi.advanceTimersByTime(1000);
  (await devices.next()).acknowledge({});
  expect(seen.slice(-2)).toEqual([
    ['acknowledged', { a: true }, false],
    ['acknowledged', {}, true],
  ]);
});

it('opens again at once when something has changed, once', async () => {
  there = false;
  listen.open();
  expect(seen).toEqual([{ code: -32603, message: 'The server is not connected' }]);
  there = true;
  devices.changed('u');
  devices.changed('u');
  expect(devices.waiting).toBe(1);
  vi.advanceTimersByTime(100_000);
  expect(devices.waiting).toBe(1);
  (await devices.next()).acknowledge({});
});

it('what the server refuses is asked again only after a change', async () => {
  listen.open();
  (await devices.next()).error({ code: -32601, message: 'no' });
  vi.advanceTimersByTime(1_000_000);
  expect(devices.waiting).toBe(0);
  devices.changed('u');
  expect(devices.waiting).toBe(1);
  (await devices.next()).acknowledge({});
});

it('is over after a first refusal that is to stand', async () => {
  tryAgain = false;
  listen.open();
  (await devices.next()).sink.fail({ code: 'offline', dispatched: false, message: 'away' });
  vi.advanceTimersByTime(1_000_000);
  devices.changed('u');
  listen.open();
  expect(devices.waiting).toBe(0);
});

it('hears nothing more of a call it has given up', async () => {
  listen.open();
  const first = await devices.next();
  first.acknowledge({});
  listen.open();
  expect(first.cancelled).toBe('listening anew');
  const second = await devices.next();
  first.notify('late');
  first.result('{}');
  second.acknowledge({});
  second.notify('now');
  second.ask(1, 'roots/list', '');
  expect((await second.answered())[0]).toMatchObject({ ask: 1, kind: 'error' });
  listen.close('enough');
  expect(second.cancelled).toBe('enough');
  second.notify('late');
  listen.open();
  expect(seen).toEqual([['acknowledged', {}, false], ['acknowledged', {}, true], 'now']);
});

it('gives credit for all that has come', async () => {
  listen.open();
  const call = await devices.next();
  call.acknowledge({});
  call.notify('a');
  call.sink.event(Buffer.from('{"jsonrpc":"2.0","method":7}'));
  const bytes = call.consumedBytes;
  expect(bytes).toBeGreaterThan(100);
  call.sink.piece('error', Buffer.from('{"code":-32603,'), false);
  call.sink.piece('error', Buffer.from('"message":"gone"}'), true);
  expect(call.consumedBytes).toBe(bytes + 32);
});

it('takes an end that is larger than any for a loss', async () => {
  listen.open();
  const call = await devices.next();
  call.sink.piece('error', Buffer.alloc(70_000, ' '), false);
  expect(call.cancelled).toBe('too large an end');
  expect(seen).toEqual([{ code: -32603, message: expect.any(String) }]);
  vi.advanceTimersByTime(1000);
  (await devices.next()).acknowledge({});
});
