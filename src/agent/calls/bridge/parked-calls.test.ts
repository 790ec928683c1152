import { describe, expect, it } from 'vitest';
import type { CallClient, CallHead } from '../../../protocol/call-messages.js';
import { systemClock } from '../../servers/clock.js';
import type { RequestContext, RequestOutcome } from '../../servers/types.js';
import { OpenCall } from './open-call.js';
import { ParkedCalls } from './parked-calls.js';

function clientOf(id: string): CallClient {
  return {
    era: 'modern',
    protocolVersion: '2026-07-28',
    endpoint: 'server',
    id,
    session: id,
    capabilities: {},
    ask: 'mrtr',
  };
}

/** Resolves with the reason when the call is cancelled. */
function openCall(id: string): { readonly call: OpenCall; readonly cancelled: Promise<Error> } {
  const head: CallHead = { server: 's', method: 'tools/call', client: clientOf(id) };
  let told = (_reason: Error) => {};
  const cancelled = new Promise<Error>((resolve) => {
    told = resolve;
  });
  const upstream = ({ signal }: RequestContext) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        if (signal.reason instanceof Error) told(signal.reason);
        reject(signal.reason);
      });
    });
  return { call: new OpenCall(upstream, head, { roots: undefined, sampling: false }, systemClock), cancelled };
}

/** Its server answers while nobody waits. */
function answering(id: string): { readonly call: OpenCall; answer(json: Buffer): Promise<void> } {
  let answer = (_json: Buffer) => {};
  const answered = new Promise<RequestOutcome>((resolve) => {
    answer = (json) => resolve({ kind: 'result', json });
  });
  const head: CallHead = { server: 's', method: 'tools/call', client: clientOf(id) };
  const call = new OpenCall(() => answered, head, { roots: undefined, sampling: false }, systemClock);
  return {
    call,
    answer: async (json) => {
      answer(json);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('ParkedCalls', () => {
  it('gives a call to the one who comes first with its handle', () => {
    const parked = new ParkedCalls(systemClock);
    const { call } = openCall('c');
    parked.park('h', call);
    expect(parked.wasUsed('h')).toBe(false);
    expect(parked.take('h')).toBe(call);
    expect(parked.take('h')).toBeUndefined();
    expect(parked.wasUsed('h')).toBe(true);
    expect(parked.use('h')).toBe(false);
    parked.close();
  });

  it('gives up the oldest call of a client that leaves too many, and no other’s', async () => {
    const parked = new ParkedCalls(systemClock);
    const [other, oldest] = [openCall('other'), openCall('c')];
    parked.park('other', other.call);
    parked.park('oldest', oldest.call);
    for (let index = 0; index < 32; index += 1) parked.park(`h${index}`, openCall('c').call);
    expect((await oldest.cancelled).message).toBe('its client left too many calls waiting');
    expect(parked.size).toBe(33);
    expect(parked.take('other')).toBe(other.call);
    parked.close();
  });

  it('gives up the oldest when results that nobody has come for hold too much', async () => {
    const parked = new ParkedCalls(systemClock, { bytes: 25, used: 10 });
    const ends = [answering('a'), answering('b'), answering('c')];
    for (const [index, { call }] of ends.entries()) parked.park(`h${index}`, call);
    for (const { answer } of ends) await answer(Buffer.alloc(10));
    expect(parked.bytes).toBe(20);
    expect(parked.take('h0')).toBeUndefined();
    expect(parked.take('h1')).toBe(ends[1]?.call);
    parked.close();
  });

  it('refuses handles while it remembers too many used ones', () => {
    let now = 0;
    const parked = new ParkedCalls({ now: () => now, after: () => () => {} }, { bytes: 1, used: 2 });
    expect([parked.use('a'), parked.use('b'), parked.use('c')]).toEqual([true, true, false]);
    expect(parked.wasUsed('a')).toBe(true);
    now += 10 * 60_000;
    expect([parked.use('c'), parked.use('c')]).toEqual([true, false]);
  });

  it('gives up the oldest of all when there are too many', async () => {
    const parked = new ParkedCalls(systemClock);
    const oldest = openCall('first');
    parked.park('oldest', oldest.call);
    for (let index = 0; index < 256; index += 1) parked.park(`h${index}`, openCall(`c${index}`).call);
    expect((await oldest.cancelled).message).toBe('too many calls wait for clients');
    expect(parked.size).toBe(256);
    parked.close();
    expect(parked.size).toBe(0);
  });
});
