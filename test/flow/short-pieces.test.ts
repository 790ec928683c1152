import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FrameType } from '../../src/protocol/frames.js';
import { connect, type FakeAgent } from '../tunnel/fake-agent.js';
import { type Rig, startRig } from '../tunnel/relay-rig.js';
import { request, TestSink } from '../tunnel/sink.js';

/** What is counted is a message's bytes: a peer that sends it in short pieces must not have the relay hold many times as much. */
describe('an answer in short pieces', () => {
  let rig: Rig;
  let agent: FakeAgent;
  let deviceId: string;

  beforeAll(async () => {
    rig = await startRig();
    const connected = await connect(rig, 'user');
    agent = connected.agent;
    deviceId = connected.welcome.device;
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  class KeepingSink extends TestSink {
    readonly chunks = new Set<ArrayBufferLike>();
    override piece(kind: 'result' | 'error', bytes: Buffer, last: boolean): void {
      this.chunks.add(bytes.buffer);
      super.piece(kind, bytes, last);
    }
  }

  async function call() {
    const sink = new KeepingSink();
    rig.registry.call({ userId: 'user', deviceId, server: 'shell' }, request(), sink);
    const { id } = await agent.next(FrameType.call);
    return { sink, id };
  }

  test('holds no more than it is long, whatever else comes between them', async () => {
    const { sink, id } = await call();
    const nobodys = 'f'.repeat(32);
    for (let piece = 0; piece < 500; piece++) {
      agent.send(FrameType.result, id, ' ', true);
      agent.send(FrameType.event, nobodys, Buffer.alloc(60 * 1024));
    }
    agent.send(FrameType.result, id, '{}');
    expect((await sink.answer()).trim()).toBe('{}');
    const held = [...sink.chunks].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(held).toBeLessThan(256 * 1024);
  });

  test('ends the call when they are too many', async () => {
    const { sink, id } = await call();
    for (let piece = 0; piece < 1100; piece++) agent.send(FrameType.result, id, ' ', true);
    expect((await sink.failure()).message).toContain('in too many pieces');
    await agent.next(FrameType.cancel, id);
  });
});
