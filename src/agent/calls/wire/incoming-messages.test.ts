import { expect, it } from 'vitest';
import { FrameType } from '../../../protocol/frames.js';
import { LinkSender } from '../../../protocol/link-sender.js';
import { RunningCalls } from './running-calls.js';

it('takes pieces of as many calls as may run, and of no more', () => {
  const calls = new RunningCalls(() => new Promise(() => {}));
  const on = { sender: new LinkSender((_frame, done) => queueMicrotask(done)), checkpoint: () => {} };
  const piece = (n: number) =>
    calls.frame({ type: FrameType.call, more: true, id: n.toString(16).padStart(32, '0'), body: Buffer.alloc(1) }, on);
  for (let n = 1; n <= 16_384; n += 1) piece(n);
  expect(calls.held.uploads).toBeGreaterThan(16_383);
  expect(() => piece(16_385)).toThrow();
  calls.detach(on.sender);
  expect(calls.held.uploads).toBe(0);
});
