import { expect, it } from 'vitest';
import { PendingRequests } from './pending-requests.js';

it('forgets requests that were given up, also of a server that tells nothing', async () => {
  let now = 0;
  const pending = new PendingRequests({ now: () => now, after: () => () => {} });
  for (let id = 1; id <= 10; id += 1) {
    const leave = new AbortController();
    const context = { signal: leave.signal, forClient: true, method: 'tools/call' };
    const answer = pending.add(id, context, undefined, () => {});
    pending.markSent(id);
    leave.abort(new Error('left'));
    await expect(answer).rejects.toThrow('left');
    now += 30_000;
  }
  expect(pending.remembered).toBeLessThan(4);
});

it('remembers no more of them than a thousand, and of those before that they may be of anybody', async () => {
  let now = 0;
  const pending = new PendingRequests({ now: () => now, after: () => () => {} });
  const told: unknown[] = [];
  for (let id = 1; id <= 3000; id += 1) {
    const leave = new AbortController();
    const answer = pending.add(
      id,
      { signal: leave.signal, forClient: true, method: 'tools/call' },
      undefined,
      () => {},
    );
    pending.markSent(id);
    leave.abort(new Error('left'));
    await expect(answer).rejects.toThrow('left');
  }
  expect(pending.remembered).toBe(1024);
  // The server answers those that are remembered; of the others it may still speak.
  for (let id = 1; id <= 3000; id += 1) pending.settle(id, { kind: 'result', json: Buffer.from('{}') });
  const context = {
    signal: new AbortController().signal,
    forClient: true,
    method: 'tools/call',
    onLog: (params: unknown) => told.push(params),
  };
  void pending.add(4000, context, undefined, () => {});
  pending.markSent(4000);
  expect(pending.sent().map(({ id, abandoned }) => [id, abandoned])).toEqual([
    [0, true],
    [4000, undefined],
  ]);
  expect(pending.log({ data: 1 }, undefined)).toBe(false);
  now += 60_001;
  expect(pending.log({ data: 2 }, undefined)).toBe(true);
  expect(told).toEqual([{ data: 2 }]);
});
