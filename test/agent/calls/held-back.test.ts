import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ResultFit } from '../../../src/agent/calls/fit/result-fit.js';
import { callRunner } from '../../../src/agent/calls/run-call.js';
import { RunningCalls } from '../../../src/agent/calls/wire/running-calls.js';
import { type CallHead, encodeCall } from '../../../src/protocol/call-messages.js';
import {
  AGENT_FRAMES,
  decodeFrame,
  encodeFrame,
  FrameType,
  HEADER_BYTES,
  RELAY_FRAMES,
} from '../../../src/protocol/frames.js';
import { LinkSender } from '../../../src/protocol/link-sender.js';
import { encodeWindow } from '../../../src/protocol/messages.js';
import { ReceiveWindow } from '../../../src/protocol/send-stream.js';
import { loggerTo } from '../../helpers/logger.js';
import { ready, scripted } from '../../servers/harness.js';

const LIMIT = 1024 * 1024;
const LINES = 1024;
const LINE = 16 * 1024;
const FLOOD = '1'.repeat(32);
const LISTEN = '2'.repeat(32);

const head: CallHead = {
  server: 'loud',
  method: 'tools/call',
  logLevel: 'debug',
  client: {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    endpoint: 'server',
    id: 'c',
    capabilities: {},
    ask: 'none',
    session: 's1',
  },
};

function frameOf(id: string, of: CallHead, params: object) {
  const body = encodeCall(of, Buffer.from(JSON.stringify(params)));
  return decodeFrame(encodeFrame(FrameType.call, false, id, body), RELAY_FRAMES);
}

/** Somebody else, who keeps up with what there is to hear. */
const listening: CallHead = {
  server: 'loud',
  method: 'subscriptions/listen',
  lasting: true,
  client: { ...head.client, session: 's2' },
};
const NOTHING_YET = { notifications: { toolsListChanged: true } };

async function rig() {
  const loud = scripted({ capabilities: { tools: {}, logging: {} } });
  const { servers } = await ready({ loud, other: scripted() });
  const logger = loggerTo();
  const runner = callRunner({
    servers,
    logger,
    resultBytes: () => LIMIT,
    fit: new ResultFit({ enabled: false }),
    stateKey: () => new Uint8Array(32),
  });
  const told = new EventEmitter();
  const holdBack = (server: string, held: boolean) => {
    servers.holdBack(server, held);
    told.emit(held ? 'held' : 'let go', server);
  };
  const calls = new RunningCalls(runner.run, { holdBack, heldBytes: LIMIT });
  return { servers, calls, told };
}

describe('a client that stops reading', () => {
  it.each([
    ['alone at it', false, 128 * 1024],
    ['beside one that keeps up: when much is held', true, LIMIT],
  ])('stops its server, and no other, and loses nothing: %s', async (_who, others, limit) => {
    const { servers, calls, told } = await rig();
    const window = new ReceiveWindow();
    const seen: number[] = [];
    let unread = 0;
    let reading = false;
    const read = () => {
      const limit = reading ? window.consume(unread) : undefined;
      if (reading) unread = 0;
      if (limit === undefined) return;
      const body = encodeWindow(limit);
      calls.frame(decodeFrame(encodeFrame(FrameType.window, false, FLOOD, body), RELAY_FRAMES), link);
    };
    const sender = new LinkSender((frame, done) => {
      const { type, id, body } = decodeFrame(frame, AGENT_FRAMES);
      if (id === LISTEN) return setImmediate(done);
      expect(window.receive(body.length + HEADER_BYTES)).toBe(true);
      unread += body.length + HEADER_BYTES;
      if (type === FrameType.event) seen.push(JSON.parse(body.toString()).params.data.n);
      if (type === FrameType.result) told.emit('result', body.toString());
      setImmediate(() => {
        done();
        read();
      });
    });
    const link = { sender, checkpoint: () => {} };
    const params = { name: 'flood', arguments: { lines: LINES, bytes: LINE } };
    const held = once(told, 'held');
    if (others) calls.frame(frameOf(LISTEN, listening, NOTHING_YET), link);
    calls.frame(frameOf(FLOOD, head, params), link);
    expect(await held).toEqual(['loud']);

    // The other server goes on; this one writes no further, however long it is waited.
    for (let n = 0; n < 200; n += 1) {
      const echo = Buffer.from(JSON.stringify({ name: 'echo', arguments: { n } }));
      const outcome = await servers.request('other', 'tools/call', echo, { signal: AbortSignal.timeout(30_000) });
      expect(outcome.kind).toBe('result');
    }
    expect(calls.heldBytes('loud')).toBeGreaterThan(limit);
    // With what had been read of the pipe when it was stopped, and a window's worth that has left.
    expect(calls.heldBytes('loud')).toBeLessThan(limit + 512 * 1024);

    const released = once(told, 'let go');
    const answered = once(told, 'result');
    reading = true;
    read();
    expect(await released).toEqual(['loud']);
    expect(String(await answered)).toContain('flooded');
    expect(seen).toEqual(Array.from({ length: LINES }, (_, n) => n));
    calls.close();
  });

  it('lets its server go on when the call is given up', async () => {
    const { calls, told, servers } = await rig();
    const link = { sender: new LinkSender((_frame, done) => setImmediate(done)), checkpoint: () => {} };
    const params = { name: 'flood', arguments: { lines: LINES, bytes: LINE } };
    const held = once(told, 'held');
    const released = once(told, 'let go');
    calls.frame(frameOf(FLOOD, head, params), link);
    await held;
    const cancel = encodeFrame(FrameType.cancel, false, FLOOD, Buffer.from('{"reason":"left"}'));
    calls.frame(decodeFrame(cancel, RELAY_FRAMES), link);
    await released;
    expect(calls.heldBytes('loud')).toBe(0);
    const echo = Buffer.from('{"name":"echo","arguments":{}}');
    await expect(
      servers.request('loud', 'tools/call', echo, { signal: AbortSignal.timeout(30_000) }),
    ).resolves.toMatchObject({ kind: 'result' });
    calls.close();
  });
});
