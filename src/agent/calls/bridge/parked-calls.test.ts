import { describe, expect, it } from 'vitest';
import type { CallHead } from '../../../protocol/call-messages.js';
import { systemClock } from '../../servers/clock.js';
import type { RequestContext } from '../../servers/types.js';
import { OpenCall } from './open-call.js';
import { ParkedCalls } from './parked-calls.js';

/** Resolves with the reason when the call is cancelled. */
function openCall(id: string): { readonly call: OpenCall; readonly cancelled: Promise<Error> } {
  const client = {
    era: 'modern',
    protocolVersion: '2026-07-28',
    endpoint: 'server',
    id,
    session: id,
    capabilities: {},
    ask: 'mrtr',
  } as const;
  const head: CallHead = { server: 's', method: 'tools/call', client };
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
