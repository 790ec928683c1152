import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Limits, RelayConfig } from '../../config/config.js';
import { limitDefaults } from '../../config/limits.js';
import { Draining } from '../draining.js';
import { LinkPace } from './link-pace.js';
import { UpgradeRefused } from './upgrade-refused.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A pace, and when each of those that asked was let in (ms) or until when it was sent away (`later <seconds>`). */
function rig(limits: Partial<Limits> = {}) {
  const config: RelayConfig = {
    mode: 'relay',
    port: 0,
    host: '127.0.0.1',
    dataDir: '',
    trustProxy: false,
    limits: { ...limitDefaults, ...limits },
  };
  const draining = new Draining();
  const pace = new LinkPace(config, draining);
  const began = performance.now();
  const ins: number[] = [];
  const refusals: string[] = [];
  const ask = (user: string) => {
    const socket = new PassThrough();
    const refused = (error: unknown) => {
      if (!(error instanceof UpgradeRefused)) throw error;
      refusals.push(`${error.status} ${error.headers['Retry-After']}`);
    };
    const entered = () => ins.push(performance.now() - began);
    try {
      const turn = pace.turn(user, socket);
      if (turn === undefined) entered();
      else void turn.then(entered, refused);
    } catch (error) {
      refused(error);
    }
    return socket;
  };
  const crowd = (count: number) => {
    for (let index = 0; index < count; index += 1) ask(`user-${index}`);
  };
  return { ask, crowd, ins, refusals, draining };
}

/** The most of these moments that lie within one second. */
function mostInASecond(moments: readonly number[]): number {
  return Math.max(...moments.map((from) => moments.filter((at) => at >= from && at < from + 1000).length));
}

describe('LinkPace', () => {
  it('lets one that comes alone in at once', () => {
    const { ask, ins } = rig();
    ask('user');
    expect(ins).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets a thousand that come at once in within thirteen seconds, in no second more than 100', async () => {
    const { crowd, ins, refusals } = rig();
    crowd(800);
    await vi.advanceTimersByTimeAsync(2500);
    crowd(200);
    await vi.advanceTimersByTimeAsync(9750);
    expect(ins).toHaveLength(1000);
    expect(refusals).toEqual([]);
    expect(mostInASecond(ins)).toBeLessThanOrEqual(100);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('saves up no more than a burst while it is quiet', async () => {
    const { crowd, ins } = rig();
    await vi.advanceTimersByTimeAsync(3_600_000);
    crowd(400);
    expect(ins).toHaveLength(20);
  });

  it('tells those for whom there is no place when their turn would be, each after the one before', async () => {
    const { crowd, ins, refusals } = rig();
    crowd(820 + 500);
    const seconds = refusals.map((refusal) => Number(refusal.replace('503 ', '')));
    expect(seconds).toHaveLength(500);
    expect([seconds[0], seconds[79], seconds[80], seconds[499]]).toEqual([11, 11, 12, 17]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ins).toHaveLength(820);
  });

  it('sends nobody away for longer than a minute, however many come', () => {
    const { crowd, refusals } = rig();
    crowd(8000);
    expect(refusals.at(-1)).toBe('503 60');
  });

  it('gives one user no more places than may have devices, and sends the others of that user away for as long as the line is', async () => {
    const { ask, ins, refusals } = rig({ linksPerSecond: 4, devicesPerUser: 3 });
    for (let index = 0; index < 100; index += 1) ask('greedy');
    ask('other');
    expect(refusals).toEqual(Array.from({ length: 96 }, () => '503 1'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(ins).toEqual([0, 250, 500, 750, 1000]);
  });

  it('gives up the place of one that hangs up', async () => {
    const { ask, ins } = rig({ linksPerSecond: 1, devicesPerUser: 1 });
    ask('first');
    const gone = ask('user').destroy();
    await new Promise((resolve) => gone.once('close', resolve));
    ask('user');
    ask('other');
    await vi.advanceTimersByTimeAsync(1000);
    expect(ins).toEqual([0, expect.any(Number), 1000]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(ins).toEqual([0, expect.any(Number), 1000, 2000]);
  });

  it('refuses all that wait when the relay stops, and whoever comes then', async () => {
    const { ask, ins, refusals, draining } = rig({ linksPerSecond: 1 });
    for (let index = 0; index < 3; index += 1) ask('user');
    draining.begin();
    ask('user');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ins).toEqual([0]);
    expect(refusals).toEqual(['503 2', '503 2', '503 2']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
