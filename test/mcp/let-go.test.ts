import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { FrameType } from '../../src/protocol/frames.js';
import { Call } from '../../src/relay/devices/call.js';
import { PlacedCall } from '../../src/relay/devices/placed-call.js';
import { CallReply } from '../../src/relay/mcp/answers/call-reply.js';

/** Collects all that nothing leads to. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc === 'function') gc();
}

/** A call, its reply, and what hangs on them, held by nothing else. */
function begun() {
  const target = { event: () => true, part: () => {}, breakOff: () => {}, abandon: () => {} };
  const reply = new CallReply(
    '1',
    'tool',
    () => target,
    () => {},
  );
  const body = Buffer.alloc(100_000);
  const times = { resultBytes: 1000, callMs: 60_000, callMaxMs: 60_000 };
  const options = { id: 'a'.repeat(32), body, lasting: false, sink: reply, ended: () => {}, deviceName: 'd', ...times };
  const call = new Call(options, () => {});
  const placed = new PlacedCall(reply);
  placed.runs(call);
  reply.started(placed);
  return { call, held: [new WeakRef(reply), new WeakRef(body)], reply, target: new WeakRef(target) };
}

describe('a call that has ended', () => {
  it.each(['an answer', 'a cancellation'])('leads to nothing any more, after %s', async (how) => {
    const { call, held, reply, target } = begun();
    if (how === 'an answer') {
      call.frame({ type: FrameType.result, more: false, id: call.id, body: Buffer.from('{}') });
    } else reply.cancel('cancelled');
    // WeakRefs made in this turn hold until it ends.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(target.deref()).toBeUndefined();
    expect(held[1]?.deref()).toBeUndefined();
    expect(reply).toBeInstanceOf(CallReply);
    expect(call).toBeInstanceOf(Call);
  });

  it('does not hold its reply', async () => {
    const { call, held } = (() => {
      const one = begun();
      one.call.frame({ type: FrameType.result, more: false, id: one.call.id, body: Buffer.from('{}') });
      return { call: one.call, held: one.held };
    })();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(held[0]?.deref()).toBeUndefined();
    expect(call).toBeInstanceOf(Call);
  });
});
