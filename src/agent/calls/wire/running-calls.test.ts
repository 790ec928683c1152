import { describe, expect, it } from 'vitest';
import { type CallHead, encodeAnswer, encodeCall } from '../../../protocol/call-messages.js';
import {
  AGENT_FRAMES,
  decodeFrame,
  encodeFrame,
  type Frame,
  FrameType,
  HEADER_BYTES,
} from '../../../protocol/frames.js';
import { LinkSender } from '../../../protocol/link-sender.js';
import { encodeJson, encodeWindow } from '../../../protocol/messages.js';
import { SendStream } from '../../../protocol/send-stream.js';
import type { CallAnswer, CallOutput } from './running-call.js';
import { type CallLink, type RunCall, RunningCalls, type RunningCallsOptions } from './running-calls.js';

const HEAD: CallHead = {
  server: 'shell',
  method: 'tools/call',
  client: {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    endpoint: 'aggregate',
    id: 'c',
    capabilities: {},
    ask: 'none',
    session: 's1',
  },
};
const id = (n: number): string => n.toString(16).padStart(32, '0');

interface Started {
  readonly params: Buffer;
  readonly output: CallOutput;
  readonly answer: (answer: CallAnswer) => void;
}

function rig(run?: RunCall, options?: RunningCallsOptions) {
  const started: Started[] = [];
  const waits: RunCall = (_head, params, output) =>
    new Promise((resolve, reject) => {
      output.signal.addEventListener('abort', () => reject(output.signal.reason));
      started.push({ params, output, answer: resolve });
    });
  const calls = new RunningCalls(run ?? waits, options);
  const link = (): CallLink & { readonly frames: Frame[]; checkpoints: number } => {
    const frames: Frame[] = [];
    const made = {
      frames,
      checkpoints: 0,
      sender: new LinkSender((frame, done) => {
        frames.push(decodeFrame(Buffer.from(frame), AGENT_FRAMES));
        queueMicrotask(done);
      }),
      checkpoint: () => {
        made.checkpoints += 1;
      },
    };
    return made;
  };
  const send = (on: CallLink, n: number, params = '{}', head = HEAD): void =>
    calls.frame(
      decodeFrame(
        encodeFrame(FrameType.call, false, id(n), encodeCall(head, Buffer.from(params))),
        new Set([FrameType.call]),
      ),
      on,
    );
  return { calls, started, link, send };
}

const result = (text: string): CallAnswer => ({ kind: 'result', json: Buffer.from(text) });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const wire = (frames: readonly Frame[]) => frames.reduce((sum, frame) => sum + frame.body.length + HEADER_BYTES, 0);

describe('RunningCalls', () => {
  it.each([
    ['calls', { calls: 2, paramsBytes: 1000 }],
    ['bytes of params', { calls: 1000, paramsBytes: 5 }],
  ])('refuses a call above its number of %s, without running it, until another has ended', async (_what, most) => {
    const { calls, started, link, send } = rig(undefined, { most });
    const on = link();
    for (const n of [1, 2, 3]) send(on, n);
    await settled();
    expect(started).toHaveLength(2);
    const refused = on.frames.filter(({ type }) => type === FrameType.error);
    expect(refused.map((frame) => frame.id)).toEqual([id(3)]);
    expect(JSON.parse(String(refused[0]?.body))).toMatchObject({ message: expect.stringMatching(/busy .* not run/) });
    started[0]?.answer(result('{}'));
    await settled();
    send(on, 4);
    await settled();
    expect(started).toHaveLength(3);
    calls.close();
    expect(calls.held).toMatchObject({ requests: 0 });
    expect(calls.running).toBe(0);
  });

  it('answers a call and forgets it once the relay has surely got the answer', async () => {
    const { calls, started, link, send } = rig();
    const on = link();
    send(on, 1);
    expect(calls.running).toBe(1);
    started[0]?.answer(result('{"ok":1}'));
    await settled();
    expect(on.frames.map((frame) => [frame.type, frame.body.toString()])).toEqual([[FrameType.result, '{"ok":1}']]);
    expect(calls.running).toBe(0);
    expect(calls.resumable(new Set())).toEqual([id(1)]);
    calls.mark(on.sender);
    calls.delivered(on.sender);
    expect(calls.resumable(new Set())).toEqual([]);
  });

  it('executes a call id once, however often it arrives', async () => {
    const { started, link, send } = rig();
    const on = link();
    send(on, 1);
    send(on, 1);
    await settled();
    expect(started).toHaveLength(1);
  });

  it('goes on on the next link from what the relay has', async () => {
    const { calls, started, link, send } = rig();
    const first = link();
    send(first, 1);
    const answer = Buffer.alloc(200_000, 'x');
    started[0]?.output.event(Buffer.from('{"n":1}'), false);
    started[0]?.answer({ kind: 'result', json: answer });
    await settled();
    calls.detach(first.sender);
    first.sender.close();
    // The event and one piece of the answer arrived.
    const received = wire(first.frames.slice(0, 2));
    const second = link();
    calls.attach(second, calls.resumable(new Set()), { [id(1)]: received });
    await settled();
    const body = Buffer.concat([first.frames[1]?.body ?? Buffer.alloc(0), ...second.frames.map((frame) => frame.body)]);
    expect(body.equals(answer)).toBe(true);
    expect(second.frames.at(-1)?.more).toBe(false);
  });

  it('cancels calls that the relay no longer waits for', async () => {
    const { calls, started, link, send } = rig();
    const first = link();
    send(first, 1);
    calls.detach(first.sender);
    calls.attach(link(), calls.resumable(new Set()), {});
    expect(started[0]?.output.signal.aborted).toBe(true);
    expect(calls.running).toBe(0);
  });

  it('executes a call once that came on the old link while the new one was greeted, and answers on the new one', async () => {
    const { calls, started, link, send } = rig();
    const [old, fresh] = [link(), link()];
    const offered = calls.resumable(new Set());
    send(old, 1);
    calls.attach(fresh, offered, {});
    send(fresh, 1);
    started[0]?.answer(result('{"ok":1}'));
    await settled();
    expect(started).toHaveLength(1);
    expect(old.frames).toEqual([]);
    expect(fresh.frames.map((frame) => frame.body.toString())).toEqual(['{"ok":1}']);
  });

  it('goes on with a call that only the relay names', async () => {
    const { calls, started, link, send } = rig();
    const [old, fresh] = [link(), link()];
    const offered = calls.resumable(new Set());
    send(old, 1);
    started[0]?.output.event(Buffer.from('{"n":1}'), false);
    calls.attach(fresh, offered, { [id(1)]: wire(old.frames) });
    started[0]?.answer(result('{"ok":1}'));
    await settled();
    expect(fresh.frames.map((frame) => frame.body.toString())).toEqual(['{"ok":1}']);
  });

  it('keeps the pieces of one link from those of another', async () => {
    const { calls, started, link } = rig();
    const [old, fresh] = [link(), link()];
    const body = encodeCall(HEAD, Buffer.from(`{"a":"${'x'.repeat(100_000)}"}`));
    const stream = new SendStream(id(1));
    stream.push(FrameType.call, body);
    const take = () => decodeFrame(stream.next() ?? Buffer.alloc(0), new Set([FrameType.call]));
    const first = take();
    calls.frame(first, old);
    calls.frame(first, fresh);
    calls.frame(take(), fresh);
    await settled();
    expect(started).toHaveLength(1);
    expect(started[0]?.params.length).toBe(100_008);
  });

  it('leaves the calls of a draining link where they are', () => {
    const { calls, link, send } = rig();
    const old = link();
    send(old, 1);
    expect(calls.resumable(new Set([old.sender]))).toEqual([]);
  });

  it('sends nothing more after a cancel', async () => {
    const { calls, started, link, send } = rig();
    const on = link();
    send(on, 1);
    calls.frame(
      decodeFrame(
        encodeFrame(FrameType.cancel, false, id(1), encodeJson({ reason: 'gone' })),
        new Set([FrameType.cancel]),
      ),
      on,
    );
    started[0]?.output.event(Buffer.from('{}'), false);
    started[0]?.answer(result('{}'));
    await settled();
    expect(on.frames).toEqual([]);
    expect(started[0]?.output.signal.reason).toEqual(new Error('gone'));
  });

  it('stops at the end of its credit and goes on when more is granted', async () => {
    const { calls, started, link, send } = rig();
    const on = link();
    send(on, 1);
    started[0]?.answer({ kind: 'result', json: Buffer.alloc(1024 * 1024, 'x') });
    await settled();
    const stopped = wire(on.frames);
    expect(stopped).toBeLessThanOrEqual(256 * 1024);
    calls.frame(
      decodeFrame(
        encodeFrame(FrameType.window, false, id(1), encodeWindow(2 * 1024 * 1024)),
        new Set([FrameType.window]),
      ),
      on,
    );
    await settled();
    expect(on.frames.reduce((sum, frame) => sum + frame.body.length, 0)).toBe(1024 * 1024);
  });

  it('does not count a call that lasts as work', () => {
    const { calls, started, link, send } = rig();
    const on = link();
    send(on, 1, '{}', { ...HEAD, lasting: true });
    expect(started).toHaveLength(1);
    expect(calls.running).toBe(0);
    expect(calls.resumable(new Set())).toEqual([id(1)]);
  });

  it('lets go of answers to calls it does not have, whole and in pieces', async () => {
    const { calls, started, link, send } = rig();
    const on = link();
    send(on, 1);
    const answer = encodeAnswer({ ask: 1, kind: 'result' }, Buffer.from('{}'));
    const receive = (n: number, more: boolean, body: Uint8Array) =>
      calls.frame(decodeFrame(encodeFrame(FrameType.answer, more, id(n), body), new Set([FrameType.answer])), on);
    for (const n of [1, 2]) receive(n, true, answer.subarray(0, 7));
    started[0]?.answer(result('{}'));
    await settled();
    for (const n of [1, 2]) receive(n, false, answer.subarray(7));
    await settled();
    expect(on.frames.map((frame) => frame.type)).toEqual([FrameType.result]);
    expect(() => receive(1, false, Buffer.from('{'))).not.toThrow();
  });

  it('closes a link whose answers go over their credit', () => {
    const { calls, link, send } = rig();
    const on = link();
    send(on, 1);
    // The agent grants more as it receives: only a frame beyond every grant is too much.
    const piece = encodeFrame(FrameType.answer, true, id(1), Buffer.alloc(300 * 1024));
    expect(() => calls.frame(decodeFrame(piece, new Set([FrameType.answer])), on)).toThrow('over its credit');
  });

  it('asks for a confirmation when many answers wait for one', async () => {
    const { started, link, send } = rig();
    const on = link();
    for (let n = 1; n <= 300; n += 1) send(on, n);
    for (const call of started) call.answer(result('{}'));
    await settled();
    expect(on.checkpoints).toBeGreaterThan(0);
  });

  it('turns what a call throws into an error answer', async () => {
    const { link, send } = rig(() => Promise.reject(new Error('boom')));
    const on = link();
    send(on, 7);
    await settled();
    expect(JSON.parse(on.frames[0]?.body.toString() ?? '')).toEqual({ code: -32603, message: 'boom' });
  });
});
