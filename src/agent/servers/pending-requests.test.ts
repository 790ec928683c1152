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
