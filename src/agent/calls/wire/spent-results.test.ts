import { expect, it, vi } from 'vitest';
import { encodeCall } from '../../../protocol/call-messages.js';
import { AGENT_FRAMES, decodeFrame, encodeFrame, FrameType, RELAY_FRAMES } from '../../../protocol/frames.js';
import { LinkSender } from '../../../protocol/link-sender.js';
import { encodeWindow } from '../../../protocol/messages.js';
import { Rooms } from '../../servers/rooms.js';
import { RunningCalls } from './running-calls.js';

const MIB = 1024 * 1024;
const BYTES = 5 * MIB;
const ID = '1'.padStart(32, '0');
const CLIENT = { era: 'legacy', protocolVersion: '2025-11-25', endpoint: 'aggregate', ask: 'none' } as const;
const CALL = encodeCall(
  { server: 'shell', method: 'tools/call', client: { ...CLIENT, id: 'c', capabilities: {}, session: 's1' } },
  Buffer.from('{}'),
);

it('gives back what a large result lay in, once the relay has all of it', async () => {
  const rooms = new Rooms();
  const line = Buffer.allocUnsafeSlow(BYTES).fill('x');
  rooms.lend(line);
  const calls = new RunningCalls(async () => ({ kind: 'result', json: line.subarray(10), spent: line }));
  const pieces: Buffer[] = [];
  const checkpoint = vi.fn();
  const sender = new LinkSender((frame, done) => {
    pieces.push(decodeFrame(Buffer.from(frame), AGENT_FRAMES).body);
    queueMicrotask(done);
  });
  const link = { sender, checkpoint };
  const comes = async (type: typeof FrameType.call | typeof FrameType.window, body: Buffer) => {
    calls.frame(decodeFrame(encodeFrame(type, false, ID, body), RELAY_FRAMES), link);
    await new Promise(setImmediate);
  };
  await comes(FrameType.call, CALL);
  checkpoint.mockClear();
  await comes(FrameType.window, encodeWindow(MIB));
  expect(checkpoint).not.toHaveBeenCalled();
  await comes(FrameType.window, encodeWindow(BYTES + MIB));
  await comes(FrameType.window, encodeWindow(BYTES + 2 * MIB));
  expect(checkpoint).toHaveBeenCalledOnce(); // whether the relay has it, as soon as all has left
  calls.mark(sender);
  expect(line.length).toBe(BYTES);
  calls.delivered(sender);
  expect([line.length, rooms.bytes]).toEqual([0, BYTES]);
  expect(Buffer.concat(pieces).equals(Buffer.alloc(BYTES - 10, 'x'))).toBe(true);
  rooms.close();
});
