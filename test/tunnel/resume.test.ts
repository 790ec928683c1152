import { afterEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../src/config/config.js';
import { decodeCall } from '../../src/protocol/call-messages.js';
import { CALL_WINDOW_BYTES, FrameType, HEADER_BYTES, MAX_BODY_BYTES, NO_ID } from '../../src/protocol/frames.js';
import { decodeWindow, type Hello } from '../../src/protocol/messages.js';
import { connect, dial, type FakeAgent } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';
import { request, TestSink } from './sink.js';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

async function start(limits: Partial<Limits> = {}) {
  rig = await startRig({ resumeSeconds: 20, ...limits });
  const { agent, welcome } = await connect(rig, 'user');
  const target = { userId: 'user', deviceId: welcome.device, server: 'shell' };
  const call = (params?: string) => {
    const sink = new TestSink();
    const handle = rig.registry.call(target, request(params), sink);
    sink.taken = (bytes) => handle.consumed(bytes);
    return { sink, handle };
  };
  return { agent, call };
}

/** The agent's line is cut, and the relay has noticed. */
async function cut(agent: FakeAgent): Promise<void> {
  const before = rig.log.filter((line) => line.includes('link closed')).length;
  agent.socket.terminate();
  await rig.logged('link closed', before + 1);
}

async function back(hello: Partial<Hello> = {}) {
  return connect(rig, 'user', hello);
}

describe('a lost link', () => {
  test('an answer goes on where it stopped, with bytes lost in the middle', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    const { id } = await agent.next(FrameType.call);
    const result = Buffer.alloc(5 * MAX_BODY_BYTES, 'abc');
    const pieces = Array.from({ length: 5 }, (_, at) =>
      result.subarray(at * MAX_BODY_BYTES, (at + 1) * MAX_BODY_BYTES),
    );
    for (const piece of pieces.slice(0, 2)) agent.send(FrameType.result, id, piece, true);
    await agent.settled();
    // These two are on their way when the line is cut: whether they arrive is not known to the agent.
    for (const piece of pieces.slice(2, 3)) agent.send(FrameType.result, id, piece, true);
    await cut(agent);
    const { agent: again, welcome } = await back({ calls: [id] });
    const received = welcome.calls[id] ?? -1;
    const next = received / (MAX_BODY_BYTES + HEADER_BYTES);
    expect([2, 3]).toContain(next);
    // The grant may have been lost with the old link, so it is said again.
    const limit = decodeWindow((await again.next(FrameType.window, id)).body);
    expect(limit).toBeGreaterThanOrEqual(CALL_WINDOW_BYTES);
    for (let at = next; at < 5; at++) again.send(FrameType.result, id, pieces[at] ?? '', at < 4);
    expect((await sink.ended) as object).toEqual({ kind: 'result', bytes: result.length, text: result.toString() });
  });

  test('a call the agent does not know of is sent again, whole', async () => {
    const { agent, call } = await start();
    const text = `{"x":"${'y'.repeat(150_000)}"}`;
    const { sink } = call(text);
    const { id } = await agent.next(FrameType.call);
    await cut(agent);
    const { agent: again, welcome } = await back();
    expect(welcome.calls).toEqual({});
    const bodies = [];
    for (let more = true; more; ) {
      const frame = await again.next(FrameType.call, id);
      bodies.push(frame.body);
      more = frame.more;
    }
    expect(decodeCall(Buffer.concat(bodies)).params.toString()).toBe(text);
    again.send(FrameType.result, id, '{}');
    expect(await sink.answer()).toBe('{}');
  });

  test('a call the agent has is not sent again', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    const { id } = await agent.next(FrameType.call);
    await cut(agent);
    const { agent: again, welcome } = await back({ calls: [id] });
    expect(welcome.calls).toEqual({ [id]: 0 });
    again.send(FrameType.result, id, '{}');
    expect(await sink.answer()).toBe('{}');
    await again.settled();
    expect(again.frames.filter((frame) => frame.type === FrameType.call)).toEqual([]);
  });

  test('a call that answered already is not sent again to an agent whose hello was older', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    const { id } = await agent.next(FrameType.call);
    agent.send(FrameType.event, id, '{}');
    await agent.settled();
    const { agent: again, welcome } = await back();
    expect(welcome.calls).toEqual({ [id]: 2 + HEADER_BYTES });
    await again.settled();
    expect(again.frames.filter((frame) => frame.type === FrameType.call)).toEqual([]);
    again.send(FrameType.result, id, '{}');
    expect(await sink.answer()).toBe('{}');
  });

  test('calls that ended meanwhile are not in the welcome', async () => {
    const { agent, call } = await start();
    const { handle } = call();
    const { id } = await agent.next(FrameType.call);
    await cut(agent);
    handle.cancel('gone');
    const { welcome } = await back({ calls: [id, 'f'.repeat(32)] });
    expect(welcome.calls).toEqual({});
  });

  test('calls made between two links wait for the next one', async () => {
    const { agent, call } = await start();
    await cut(agent);
    const { sink } = call();
    const { agent: again } = await back();
    again.send(FrameType.result, (await again.next(FrameType.call)).id, '{}');
    expect(await sink.answer()).toBe('{}');
  });

  test('§7.34 without a return calls fail: those that were sent as unknown, the others as not run', async () => {
    const { agent, call } = await start({ resumeSeconds: 0.1 });
    const sent = call();
    await agent.next(FrameType.call);
    const changed = new Promise<void>((resolve) => rig.registry.onChange('user', resolve));
    await cut(agent);
    const unsent = call();
    expect(await sent.sink.failure()).toMatchObject({ code: 'lost', dispatched: true });
    expect(await unsent.sink.failure()).toMatchObject({ code: 'offline', dispatched: false });
    await changed;
    expect(rig.registry.devices('user')).toMatchObject([{ name: 'laptop', presence: 'away' }]);
    const later = call();
    expect((await later.sink.failure()).message).toMatch(
      /^laptop is offline since \d\d:\d\d UTC\. The call was not run\./,
    );
  });

  test('a device that stays away leaves the list', async () => {
    const { agent } = await start({ resumeSeconds: 0.02, presentSeconds: 0.1 });
    agent.catalog('shell', ['run']);
    await agent.settled();
    expect(rig.registry.tools('user').tools).toHaveLength(1);
    const left = new Promise<void>((resolve) => {
      rig.registry.onChange('user', () => {
        if (rig.registry.devices('user').length === 0) resolve();
      });
    });
    await cut(agent);
    await left;
    expect(rig.registry.tools('user').tools).toEqual([]);
  });
});

describe('a restart of the relay', () => {
  /** A relay that has just started; the agent was connected to the one before. */
  async function restarted(limits: Partial<Limits>) {
    const { agent, call } = await start(limits);
    agent.catalog('shell', ['run']);
    await agent.settled();
    rig = await rig.restart();
    return call;
  }

  test.each(['instance-1', 'instance-2'])('a call waits for the agent that was there; it is %s', async (instance) => {
    const call = await restarted({ resumeSeconds: 20 });
    expect(rig.registry.devices('user')).toMatchObject([{ name: 'laptop', presence: 'online' }]);
    const { sink } = call();
    const { agent, welcome } = await back({ instance });
    expect(welcome.calls).toEqual({});
    const { id } = await agent.next(FrameType.call);
    agent.send(FrameType.result, id, '{"ran":1}');
    expect(await sink.answer()).toBe('{"ran":1}');
  });

  test('it waits no longer than after a lost link; then the device is away, since it was last seen', async () => {
    const call = await restarted({ resumeSeconds: 1 });
    const gone = new Promise<void>((resolve) => rig.registry.onChange('user', resolve));
    const { sink } = call();
    expect(await sink.failure()).toMatchObject({ code: 'offline', dispatched: false });
    await gone;
    expect(rig.registry.devices('user')).toMatchObject([{ name: 'laptop', presence: 'away' }]);
    await back();
    expect(rig.registry.devices('user')).toMatchObject([{ name: 'laptop', presence: 'online' }]);
  });
});

describe('another link', () => {
  test('of the same start takes over; what comes on the old one is not read, nor acknowledged', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    const { id } = await agent.next(FrameType.call);
    const { agent: again } = await back({ calls: [id] });
    let pongs = 0;
    agent.socket.on('pong', () => {
      pongs += 1;
    });
    agent.send(FrameType.result, id, '{"old":1}');
    agent.socket.ping();
    agent.socket.close();
    await agent.closed;
    again.send(FrameType.result, id, '{"new":1}');
    expect(await sink.answer()).toBe('{"new":1}');
    expect(pongs).toBe(0);
    // The old link's end does not take the device away.
    expect(rig.registry.devices('user')).toMatchObject([{ presence: 'online' }]);
  });

  test('of another start replaces the old one, and its calls are lost', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    await agent.next(FrameType.call);
    const { agent: again, welcome } = await back({ instance: 'instance-2' });
    expect(await agent.closed).toMatchObject({ code: 4409 });
    expect(await sink.failure()).toMatchObject({ code: 'lost', dispatched: true });
    expect(welcome.name).toBe('laptop');
    await again.settled();
    expect(rig.registry.devices('user')).toHaveLength(1);
  });

  test('of another start after a lost one fails its calls at once', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    await agent.next(FrameType.call);
    await cut(agent);
    await back({ instance: 'instance-2' });
    expect((await sink.failure()).message).toContain('was restarted at');
  });
});

describe('goodbye', () => {
  test('takes the device off the list and fails its calls at once', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    await agent.next(FrameType.call);
    agent.send(FrameType.goodbye, NO_ID, '');
    expect(await sink.failure()).toMatchObject({ code: 'lost', dispatched: true });
    expect(rig.registry.devices('user')).toEqual([]);
    expect(await agent.closed).toMatchObject({ code: 1000 });
    expect(await call().sink.failure()).toMatchObject({ code: 'offline', dispatched: false });
  });
});

describe('the token', () => {
  test('closes its link when it ends', async () => {
    const { call } = await start();
    // Tokens end at whole seconds: it has two to three.
    const agent = await dial(rig, await rig.token('user', { seconds: 3 }));
    await agent.greet();
    const { sink } = call();
    const { id } = await agent.next(FrameType.call);
    expect(await agent.closed).toEqual({ code: 4401, reason: 'the token has expired' });
    const { agent: again } = await back({ calls: [id] });
    again.send(FrameType.result, id, '{}');
    expect(await sink.answer()).toBe('{}');
  });
});
