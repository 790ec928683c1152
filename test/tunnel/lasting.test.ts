import { afterEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../src/config/config.js';
import { decodeCall } from '../../src/protocol/call-messages.js';
import { FrameType, HEADER_BYTES, NO_ID } from '../../src/protocol/frames.js';
import type { CallTarget } from '../../src/relay/devices/types.js';
import { connect, type FakeAgent } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';
import { request, TestSink } from './sink.js';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

async function start(limits: Partial<Limits> = {}) {
  rig = await startRig({ resumeSeconds: 20, ...limits });
  const { agent, welcome } = await connect(rig, 'user');
  const target = { userId: 'user', deviceId: welcome.device, server: 'shell' };
  return { agent, target };
}

function listen(target: CallTarget, client = 'client') {
  const sink = new TestSink();
  const asked = { ...request('{"notifications":{}}', client), method: 'subscriptions/listen', lasting: true };
  const handle = rig.registry.call(target, asked, sink);
  sink.taken = (bytes) => handle.consumed(bytes);
  return { sink, handle };
}

function call(target: CallTarget) {
  const sink = new TestSink();
  rig.registry.call(target, request(), sink);
  return sink;
}

async function cut(agent: FakeAgent): Promise<void> {
  agent.socket.terminate();
  await rig.logged('link closed');
}

describe('a call that lasts', () => {
  test('says so, has no deadline, and ends with its result', async () => {
    const { agent, target } = await start({ callSeconds: 0.05, callMaxSeconds: 0.1 });
    const { sink } = listen(target);
    const { id, body } = await agent.next(FrameType.call);
    expect(decodeCall(body).head).toMatchObject({ method: 'subscriptions/listen', lasting: true });
    // A call that began later has run out of both its times.
    expect(await call(target).failure()).toMatchObject({ code: 'timeout' });
    agent.send(FrameType.event, id, '{"method":"notifications/subscriptions/acknowledged"}');
    agent.send(FrameType.result, id, '{}');
    expect(await sink.answer()).toBe('{}');
    expect(sink.heard).toHaveLength(2);
  });

  test('takes no place of calls that work', async () => {
    const { agent, target } = await start({ callsPerDevice: 1, callsPerClient: 1, queueSeconds: 0 });
    for (let n = 0; n < 5; n++) listen(target);
    const sink = call(target);
    for (let n = 0; n < 5; n++) await agent.next(FrameType.call);
    agent.send(FrameType.result, (await agent.next(FrameType.call)).id, '{}');
    expect(await sink.answer()).toBe('{}');
  });

  test('has a limit of its own for each client, and is cancelled when the client leaves', async () => {
    const { agent, target } = await start({ listensPerClient: 2 });
    const first = listen(target);
    listen(target);
    const third = listen(target);
    expect(await third.sink.failure()).toMatchObject({ code: 'busy', dispatched: false });
    listen(target, 'another');
    const { id } = await agent.next(FrameType.call);
    first.handle.cancel('the client left');
    await agent.next(FrameType.cancel, id);
    const fourth = listen(target);
    for (let n = 0; n < 3; n++) agent.send(FrameType.result, (await agent.next(FrameType.call)).id, '{}');
    expect(await fourth.sink.answer()).toBe('{}');
  });

  test('goes on after a lost link, and nothing it heard is lost or doubled', async () => {
    const { agent, target } = await start();
    const { sink } = listen(target);
    const { id } = await agent.next(FrameType.call);
    agent.send(FrameType.event, id, '{"n":1}');
    await agent.settled();
    await cut(agent);
    const { agent: again, welcome } = await connect(rig, 'user', { calls: [id] });
    expect(welcome.calls).toEqual({ [id]: 7 + HEADER_BYTES });
    again.send(FrameType.event, id, '{"n":2}');
    again.send(FrameType.result, id, '{}');
    await sink.ended;
    expect(sink.heard.map((heard) => 'text' in heard && heard.text)).toEqual(['{"n":1}', '{"n":2}', '{}']);
  });

  test('ends when its device leaves, and does not begin on one that is away', async () => {
    const { agent, target } = await start();
    const { sink } = listen(target);
    await agent.next(FrameType.call);
    agent.send(FrameType.goodbye, NO_ID, '');
    expect(await sink.failure()).toMatchObject({ code: 'lost' });
    expect(await listen(target).sink.failure()).toMatchObject({ code: 'offline', dispatched: false });
  });

  test('does not hold up a relay that stops', async () => {
    const { agent, target } = await start({ drainSeconds: 600 });
    const { sink } = listen(target);
    await agent.next(FrameType.call);
    await rig.relay.close();
    expect(await sink.failure()).toMatchObject({ code: 'draining' });
  });
});
