import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AGENT_FRAMES, CALL_WINDOW_BYTES, decodeFrame, FrameType, HEADER_BYTES, MAX_BODY_BYTES } from './frames.js';
import { LinkSender } from './link-sender.js';
import { ReceiveWindow, SendStream } from './send-stream.js';

const ID = '1'.repeat(32);

test('a full frame is one read of its receiver: 64 KiB with the 8 bytes that a masked WebSocket frame has around it', () => {
  const stream = new SendStream('0'.repeat(32));
  stream.push(FrameType.result, Buffer.alloc(2 * 64 * 1024));
  expect((stream.next()?.length ?? 0) + 8).toBe(64 * 1024);
});

describe('SendStream', () => {
  test('delivers every byte once and in order, whatever links and grants do', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('push' as const), bytes: fc.nat(3 * MAX_BODY_BYTES) }) },
      { weight: 8, arbitrary: fc.record({ do: fc.constant('send' as const), frames: fc.nat(6) }) },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('consume' as const),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      },
      // The link is lost with this many of the frames under way.
      { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), frames: fc.nat(4) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const stream = new SendStream(ID);
        const window = new ReceiveWindow();
        const under: Buffer[] = [];
        const sizes: number[] = [];
        const received: number[] = [];
        let open = 0;
        let consumed = 0;
        const receive = (data: Buffer) => {
          const frame = decodeFrame(data, AGENT_FRAMES);
          expect(window.receive(data.length)).toBe(true);
          // Each message is filled with its own number, so that a frame in the wrong place shows.
          expect(frame.body.every((byte) => byte === received.length % 251)).toBe(true);
          open += frame.body.length;
          if (frame.more) return;
          received.push(open);
          open = 0;
        };
        const consume = (share: number) => {
          const bytes = Math.floor((window.received - consumed) * share);
          consumed += bytes;
          const limit = window.consume(bytes);
          if (limit !== undefined) stream.grant(limit);
        };
        const reconnect = () => {
          under.length = 0;
          expect(stream.rewind(window.received)).toBe(true);
          stream.grant(window.limit);
        };
        for (const one of steps) {
          if (one.do === 'push') {
            stream.push(FrameType.result, Buffer.alloc(one.bytes, sizes.length % 251));
            sizes.push(one.bytes);
          } else if (one.do === 'send') {
            for (let sent = 0; sent < one.frames; sent++) under.push(...[stream.next()].filter((f) => f !== undefined));
            if (under.length > 0) receive(under.shift() ?? Buffer.alloc(0));
          } else if (one.do === 'consume') consume(one.share);
          else {
            for (const data of under.splice(0, one.frames)) receive(data);
            reconnect();
          }
        }
        reconnect();
        for (;;) {
          const data = stream.next();
          if (data !== undefined) receive(data);
          else if (window.received > consumed) consume(1);
          else break;
        }
        expect(received).toEqual(sizes);
        expect(stream.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps what is not acknowledged and lets go of the rest', () => {
    const stream = new SendStream(ID);
    stream.push(FrameType.result, Buffer.alloc(100));
    stream.push(FrameType.result, Buffer.alloc(200));
    while (stream.next() !== undefined);
    expect(stream.retained).toBe(300 + 2 * HEADER_BYTES);
    stream.grant(CALL_WINDOW_BYTES + 100 + HEADER_BYTES);
    expect(stream.retained).toBe(200 + HEADER_BYTES);
    expect(stream.rewind(0)).toBe(false);
    expect(stream.rewind(100 + HEADER_BYTES)).toBe(true);
    expect(stream.pending).toBe(200 + HEADER_BYTES);
  });

  test('does not go back to what it has let go of, also when that is all', () => {
    const stream = new SendStream(ID);
    stream.push(FrameType.result, Buffer.alloc(100));
    stream.next();
    stream.grant(CALL_WINDOW_BYTES + 100 + HEADER_BYTES);
    expect(stream.retained).toBe(0);
    expect(stream.rewind(0)).toBe(false);
    expect(stream.rewind(100 + HEADER_BYTES)).toBe(true);
  });

  test('does not believe in offsets that cannot be', () => {
    const stream = new SendStream(ID);
    stream.push(FrameType.result, Buffer.alloc(100));
    expect(stream.rewind(1)).toBe(false);
    stream.next();
    expect(stream.rewind(17)).toBe(false);
    expect(stream.rewind(1000)).toBe(false);
    expect(stream.rewind(0)).toBe(true);
  });
});

describe('ReceiveWindow', () => {
  test('counts what a sender may not send', () => {
    const window = new ReceiveWindow(1000);
    expect(window.receive(1000)).toBe(true);
    expect(window.receive(1)).toBe(false);
  });

  test('grants in halves of a window', () => {
    const window = new ReceiveWindow(1000);
    window.receive(1000);
    expect(window.consume(499)).toBeUndefined();
    expect(window.consume(1)).toBe(1500);
    expect(window.limit).toBe(1500);
  });
});

describe('LinkSender', () => {
  /** A socket that takes frames one by one, when told to. */
  function socket() {
    const written: Buffer[] = [];
    const done: (() => void)[] = [];
    const sender = new LinkSender((frame, taken) => {
      written.push(frame);
      done.push(taken);
    });
    const ids = () => written.map((frame) => frame.toString('hex', 2, 3));
    return { sender, written, ids, take: () => done.shift()?.() };
  }

  function stream(digit: string, bytes: number): SendStream {
    const made = new SendStream(digit.repeat(32), Number.POSITIVE_INFINITY);
    made.push(FrameType.result, Buffer.alloc(bytes));
    return made;
  }

  test('a small call behind 60 MiB has its frame within one turn', () => {
    const { sender, ids, take } = socket();
    sender.attach(stream('a', 60 * 1024 * 1024));
    const before = ids().length;
    expect(before).toBeLessThan(10);
    sender.attach(stream('b', 10));
    take();
    take();
    expect(ids().slice(before)).toContain('bb');
  });

  test('large ones take turns, and control frames go first', () => {
    const { sender, ids, take } = socket();
    sender.attach(stream('a', 20 * MAX_BODY_BYTES));
    sender.attach(stream('b', 20 * MAX_BODY_BYTES));
    sender.control(Buffer.from(`4000${'c'.repeat(32)}`, 'hex'));
    const before = ids().length;
    for (let turn = 0; turn < 5; turn++) take();
    const [first, ...rest] = ids().slice(before);
    expect(first).toBe('cc');
    expect(rest.filter((id) => id === 'aa').length).toBeGreaterThanOrEqual(2);
    expect(rest.filter((id) => id === 'bb').length).toBeGreaterThanOrEqual(2);
  });

  test('hands the socket no more than it takes', () => {
    const { sender, written } = socket();
    sender.attach(stream('a', 60 * 1024 * 1024));
    const bytes = written.reduce((sum, frame) => sum + frame.length, 0);
    expect(bytes).toBeLessThanOrEqual(512 * 1024 + MAX_BODY_BYTES + HEADER_BYTES);
  });

  test('writes nothing of a detached stream, nor after close', () => {
    const { sender, written, take } = socket();
    const large = stream('a', 20 * MAX_BODY_BYTES);
    sender.attach(large);
    const before = written.length;
    sender.detach(large);
    take();
    take();
    expect(written.length).toBe(before);
    sender.close();
    sender.control(Buffer.alloc(HEADER_BYTES));
    sender.attach(stream('b', 10));
    expect(written.length).toBe(before);
  });
});
