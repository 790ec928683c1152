import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Gate } from '../gate.js';
import { paceOf } from './pace.js';
import { Readings } from './readings.js';

const CHUNK = 10;

it('reads many messages at a time to their end, and never holds more than its limit and one of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 12 }),
      fc.integer({ min: 0, max: 200 }),
      fc.scheduler(),
      async (messages, limit, scheduler) => {
        const readings = new Readings(limit);
        const largest = CHUNK * Math.max(0, ...messages);
        let most = 0;
        const all = Promise.all(
          messages.map(async (chunks) => {
            const reading = readings.begin();
            for (let chunk = 1; chunk <= chunks; chunk += 1) {
              await scheduler.schedule(Promise.resolve());
              const turn = reading.holds(chunk * CHUNK);
              most = Math.max(most, readings.bytes);
              await turn;
            }
            reading.end();
          }),
        );
        await scheduler.waitFor(all);
        // Each has one chunk at least before it is told to wait.
        expect(most).toBeLessThanOrEqual(limit + largest + CHUNK * messages.length);
        expect(readings.bytes).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

it('a response waits while it may not be read, its call is full, or the gate is shut', async () => {
  const gate = new Gate();
  let room: Promise<void> | undefined;
  const pace = paceOf(gate, new Readings(100), () => room);
  expect(pace.next(10)).toBeUndefined();
  gate.shut();
  let passed = 0;
  const first = pace.next(10)?.then(() => {
    passed += 1;
  });
  let makeRoom: () => void = () => undefined;
  room = new Promise((resolve) => {
    makeRoom = resolve;
  });
  gate.open();
  await new Promise((resolve) => setImmediate(resolve));
  expect(passed).toBe(0);
  room = undefined;
  makeRoom();
  await first;
  expect(passed).toBe(1);
  pace.end();
});

it('one that ends while it waits lets the others go on', async () => {
  const readings = new Readings(10);
  const [oldest, next, last] = [readings.begin(), readings.begin(), readings.begin()];
  expect(oldest.holds(8)).toBeUndefined();
  const waiting = [next.holds(8), last.holds(8)];
  expect(waiting).not.toContain(undefined);
  oldest.end();
  await waiting[0];
  next.end();
  await waiting[1];
  expect(readings.bytes).toBe(8);
  last.end();
  expect(readings.bytes).toBe(0);
});

it('one whose client does not keep up keeps no other waiting, though it was begun first', async () => {
  const readings = new Readings(10);
  let makeRoom: () => void = () => undefined;
  let room: Promise<void> | undefined = new Promise((resolve) => {
    makeRoom = resolve;
  });
  const slow = paceOf(new Gate(), readings, () => room);
  const others = [1, 2].map(() => paceOf(new Gate(), readings));
  let went = false;
  const stalled = slow.next(4)?.then(() => {
    went = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  const [first, second] = others.map((pace) => pace.next(8));
  // Beyond the limit, it is the turn of the first that can go on.
  await first;
  others[0]?.end();
  await second;
  expect(went).toBe(false);
  room = undefined;
  makeRoom();
  await stalled;
  // Behind the one that has a turn.
  const next = slow.next(8);
  expect(next).toBeDefined();
  others[1]?.end();
  await next;
  slow.end();
  expect(readings.bytes).toBe(0);
});
