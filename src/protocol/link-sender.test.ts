import { describe, expect, it } from 'vitest';
import { AGENT_FRAMES, decodeFrame, FrameType, MAX_BODY_BYTES } from './frames.js';
import { LinkSender } from './link-sender.js';
import { SendStream } from './send-stream.js';

/** A socket that takes a frame when it is told to. */
function rig() {
  const written: { frame: Buffer; done: () => void }[] = [];
  const sender = new LinkSender((frame, done) => written.push({ frame, done }));
  /** Takes the oldest frame. @returns its body */
  const take = () => {
    const next = written.shift();
    if (next === undefined) return undefined;
    const body = Buffer.from(decodeFrame(next.frame, AGENT_FRAMES).body);
    next.done();
    return body;
  };
  const stream = (id: string, body: Buffer) => {
    const made = new SendStream(id.repeat(32), Number.POSITIVE_INFINITY);
    made.push(FrameType.result, body);
    sender.attach(made);
    return made;
  };
  return { sender, written, take, stream };
}

/** Each piece of 64 KiB has bytes of its own. */
const pieces = (first: number, count: number) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => Buffer.alloc(MAX_BODY_BYTES, first + index)));

describe('LinkSender', () => {
  it('puts a frame where one lay that the socket has taken, and never where it still reads', () => {
    const { written, take, stream } = rig();
    const bodies = [pieces(0, 40), pieces(100, 40)];
    bodies.forEach((body, index) => void stream(String(index), body));
    const memories = new Set<ArrayBufferLike>();
    const got: Buffer[][] = [[], []];
    for (let turn = 0; written.length > 0; turn += 1) {
      const waiting = written.map(({ frame }) => frame.buffer);
      expect(new Set(waiting).size).toBe(waiting.length);
      for (const memory of waiting) memories.add(memory);
      // The socket takes a few at a time, as it likes.
      for (let count = 0; count <= turn % 3; count += 1) {
        const body = take();
        if (body !== undefined) got[(body[0] ?? 0) < 100 ? 0 : 1]?.push(body);
      }
    }
    expect(got.map((parts) => Buffer.concat(parts).equals(bodies[got.indexOf(parts)] ?? Buffer.alloc(0)))).toEqual([
      true,
      true,
    ]);
    expect(memories.size).toBeLessThan(20);
  });

  it('keeps no memory without calls', () => {
    const { sender, written, take, stream } = rig();
    const first = stream('1', pieces(0, 2));
    const memory = written.map(({ frame }) => frame.buffer);
    while (take() !== undefined);
    sender.detach(first);
    stream('2', pieces(5, 2));
    for (const { frame } of written) expect(memory).not.toContain(frame.buffer);
  });
});
