import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../src/config/config.js';
import { decodeCall } from '../../src/protocol/call-messages.js';
import { CALL_WINDOW_BYTES, FrameType, HEADER_BYTES, MAX_BODY_BYTES } from '../../src/protocol/frames.js';
import { decodeCancel, decodeWindow, encodeWindow } from '../../src/protocol/messages.js';
import { connect, dial, type FakeAgent } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';
import { request, TestSink } from './sink.js';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

async function start(limits: Partial<Limits> = {}) {
  rig = await startRig(limits);
  const { agent, welcome } = await connect(rig, 'user');
  const target = { userId: 'user', deviceId: welcome.device, server: 'shell' };
  const call = (params?: Buffer | string, client?: string) => {
    const sink = new TestSink();
    const handle = rig.registry.call(target, request(params, client), sink);
    sink.taken = (bytes) => handle.consumed(bytes);
    return { sink, handle };
  };
  return { agent, target, call };
}

async function nextCall(agent: FakeAgent) {
  const frame = await agent.next(FrameType.call);
  return { id: frame.id, ...decodeCall(frame.body) };
}

describe('a call', () => {
  test('goes to the agent whole and comes back in pieces', async () => {
    const { agent, call } = await start();
    const { sink } = call('{"name":"run","arguments":{"a":1}}');
    const { id, head, params } = await nextCall(agent);
    expect(head).toEqual({ server: 'shell', method: 'tools/call', client: request().client });
    expect(params.toString()).toBe('{"name":"run","arguments":{"a":1}}');
    agent.send(FrameType.event, id, '{"method":"notifications/progress"}');
    agent.send(FrameType.result, id, '{"content":', true);
    agent.send(FrameType.result, id, '[]}');
    expect(await sink.answer()).toBe('{"content":[]}');
    expect(sink.heard.map(({ kind }) => kind)).toEqual(['event', 'result']);
  });

  test("ends with the server's error", async () => {
    const { agent, call } = await start();
    const { sink } = call();
    agent.send(FrameType.error, (await nextCall(agent)).id, '{"code":-32603,"message":"no"}');
    expect(await sink.ended).toMatchObject({ kind: 'error', text: '{"code":-32603,"message":"no"}' });
  });

  test('over the initial window waits for the agent to grant more', async () => {
    const { agent, call } = await start();
    const text = `{"x":"${'y'.repeat(700_000)}"}`;
    call(text);
    const frames = [];
    let received = 0;
    let limit = CALL_WINDOW_BYTES;
    for (;;) {
      const frame = await agent.next(FrameType.call);
      received += frame.body.length + HEADER_BYTES;
      expect(received).toBeLessThanOrEqual(limit);
      frames.push(frame.body);
      if (!frame.more) break;
      if (received + MAX_BODY_BYTES + HEADER_BYTES <= limit) continue;
      await agent.settled();
      expect(agent.frames).toEqual([]);
      limit = received + CALL_WINDOW_BYTES;
      agent.send(FrameType.window, frame.id, encodeWindow(limit));
    }
    expect(decodeCall(Buffer.concat(frames)).params.toString()).toBe(text);
  });

  test('that is cancelled is cancelled at the agent, and its late answer goes nowhere', async () => {
    const { agent, call } = await start();
    const { sink, handle } = call();
    const { id } = await nextCall(agent);
    handle.cancel('the client left');
    expect(decodeCancel((await agent.next(FrameType.cancel, id)).body)).toEqual({ reason: 'the client left' });
    agent.send(FrameType.result, id, '{}');
    await agent.settled();
    expect(sink.heard).toEqual([]);
  });

  test('credit is given for what the client has taken, never for more', async () => {
    const { agent, target } = await start();
    const sink = new TestSink();
    const handle = rig.registry.call(target, request(), sink);
    const { id } = await nextCall(agent);
    const piece = Buffer.alloc(MAX_BODY_BYTES, 'a');
    for (let sent = 0; sent < 3; sent++) agent.send(FrameType.result, id, piece, true);
    await agent.settled();
    expect(agent.frames).toEqual([]);
    handle.consumed(piece.length * 3 - 1);
    await agent.settled();
    expect(agent.frames).toEqual([]);
    handle.consumed(1);
    const limit = decodeWindow((await agent.next(FrameType.window, id)).body);
    expect(limit).toBe(CALL_WINDOW_BYTES + 3 * (MAX_BODY_BYTES + HEADER_BYTES));
  });

  test('an agent that sends over its credit loses its link', async () => {
    const { agent, target } = await start();
    const sink = new TestSink();
    rig.registry.call(target, request(), sink);
    const { id } = await nextCall(agent);
    for (let sent = 0; sent < 5; sent++) agent.send(FrameType.result, id, Buffer.alloc(MAX_BODY_BYTES, 'a'), true);
    expect(await agent.closed).toEqual({ code: 4400, reason: 'more than its credit' });
    expect(sink.received).toBe(4 * MAX_BODY_BYTES);
  });

  test('a grant of seven bytes closes the link', async () => {
    const { agent, call } = await start();
    call();
    agent.send(FrameType.window, (await nextCall(agent)).id, Buffer.alloc(7));
    expect(await agent.closed).toMatchObject({ code: 4400 });
  });

  test('a notification larger than the window arrives', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    const { id } = await nextCall(agent);
    const event = Buffer.from(`{"data":"${'e'.repeat(600_000)}"}`);
    await agent.onCredit(FrameType.event, id, event);
    await sink.until(() => sink.heard.length === 1);
    expect(sink.heard).toEqual([{ kind: 'event', text: event.toString() }]);
  });

  test('a small call behind a large result does not wait for it', async () => {
    const { agent, call } = await start();
    const large = call();
    const { id } = await nextCall(agent);
    const small = call();
    const other = await nextCall(agent);
    agent.send(FrameType.result, id, Buffer.alloc(MAX_BODY_BYTES, 'a'), true);
    agent.send(FrameType.result, other.id, '{}');
    expect(await small.sink.answer()).toBe('{}');
    expect(large.sink.heard).toEqual([]);
  });

  test.each([
    ['a line break in a result', FrameType.result, '{"a":1}\n', false],
    ['a carriage return in an error', FrameType.error, '{}\r', false],
    ['a line break in a notification', FrameType.event, '{\n}', false],
    ['an empty result', FrameType.result, '', false],
    ['a question', FrameType.ask, '{}', false],
  ])('with %s fails, and only that call', async (_what, type, body, more) => {
    const { agent, call } = await start();
    const bad = call();
    const good = call();
    agent.send(type, (await nextCall(agent)).id, body, more);
    expect(await bad.sink.failure()).toMatchObject({ code: 'protocol', dispatched: true });
    agent.send(FrameType.result, (await nextCall(agent)).id, '{}');
    expect(await good.sink.answer()).toBe('{}');
  });

  test('that answers twice fails', async () => {
    const { agent, call } = await start();
    const { sink } = call();
    const { id } = await nextCall(agent);
    agent.send(FrameType.result, id, '{', true);
    agent.send(FrameType.error, id, '{}');
    expect(await sink.failure()).toMatchObject({ code: 'protocol' });
  });

  test('over resultBytes fails as too large and is cancelled', async () => {
    const { agent, call } = await start({ resultBytes: 100_000 });
    const { sink } = call();
    const { id } = await nextCall(agent);
    agent.message(FrameType.result, id, Buffer.alloc(100_001, 'a'));
    expect(await sink.failure()).toMatchObject({ code: 'too_large', dispatched: true });
    await agent.next(FrameType.cancel, id);
  });

  test('at resultBytes exactly is fine', async () => {
    const { agent, call } = await start({ resultBytes: 100_000 });
    const { sink } = call();
    agent.message(FrameType.result, (await nextCall(agent)).id, Buffer.alloc(100_000, 'a'));
    expect((await sink.answer()).length).toBe(100_000);
  });
});

describe('limits', () => {
  test('a call without progress ends by time, with a cancel', async () => {
    const { agent, call } = await start({ callSeconds: 0.1 });
    const { sink } = call();
    const { id } = await nextCall(agent);
    expect(await sink.failure()).toMatchObject({ code: 'timeout', dispatched: true });
    expect(decodeCancel((await agent.next(FrameType.cancel, id)).body)).toEqual({ reason: 'timeout' });
  });

  test('progress gives a call more time, until the total is over', async () => {
    const { agent, call } = await start({ callSeconds: 0.5, callMaxSeconds: 1.5 });
    const { sink } = call();
    const { id } = await nextCall(agent);
    const beat = setInterval(() => agent.send(FrameType.event, id, '{}'), 50);
    const failure = await sink.failure();
    clearInterval(beat);
    expect(failure.message).toContain('longer than 1.5 s');
    // Far more than fit into the span without progress.
    expect(sink.heard.length).toBeGreaterThan(12);
  });

  test('calls over callsPerDevice wait in turn', async () => {
    const { agent, call } = await start({ callsPerDevice: 2, queueSeconds: 20 });
    const calls = [call('{"n":1}'), call('{"n":2}'), call('{"n":3}'), call('{"n":4}')];
    const first = await nextCall(agent);
    await nextCall(agent);
    await agent.settled();
    expect(agent.frames).toEqual([]);
    agent.send(FrameType.result, first.id, '{}');
    expect((await nextCall(agent)).params.toString()).toBe('{"n":3}');
    calls[1]?.handle.cancel('');
    expect((await nextCall(agent)).params.toString()).toBe('{"n":4}');
  });

  test('and are refused when no place comes free', async () => {
    const { agent, call } = await start({ callsPerDevice: 1, queueSeconds: 0.05 });
    call();
    const { sink } = call();
    await nextCall(agent);
    expect(await sink.failure()).toMatchObject({ code: 'busy', dispatched: false });
    await agent.settled();
    expect(agent.frames).toEqual([]);
  });

  test('one client cannot take all places', async () => {
    const { agent, call } = await start({ callsPerClient: 1, queueSeconds: 0 });
    call('{}', 'greedy');
    const second = call('{}', 'greedy');
    const other = call('{}', 'modest');
    expect(await second.sink.failure()).toMatchObject({ code: 'busy' });
    await nextCall(agent);
    agent.send(FrameType.result, (await nextCall(agent)).id, '{}');
    expect(await other.sink.answer()).toBe('{}');
  });

  test('a waiting call that is cancelled is never sent', async () => {
    const { agent, call } = await start({ callsPerDevice: 1, queueSeconds: 20 });
    const running = call();
    const waiting = call('{"never":1}');
    waiting.handle.cancel('');
    const { id } = await nextCall(agent);
    running.handle.cancel('');
    await agent.next(FrameType.cancel, id);
    await agent.settled();
    expect(agent.frames).toEqual([]);
    expect(waiting.sink.heard).toEqual([]);
  });
});

test('a client that says too much of itself is refused, and costs the link nothing', async () => {
  const { agent, target, call } = await start();
  for (const more of [{ capabilities: { a: 'x'.repeat(300_000) } }, { info: { name: 'é'.repeat(150_000) } }]) {
    const sink = new TestSink();
    rig.registry.call(target, { ...request(), client: { ...request().client, ...more } }, sink);
    expect(await sink.failure()).toMatchObject({ code: 'too_large', dispatched: false });
  }
  const { sink } = call('{"name":"next"}');
  const { id, params } = await nextCall(agent);
  expect(params.toString()).toBe('{"name":"next"}');
  agent.send(FrameType.result, id, '{}');
  expect(await sink.answer()).toBe('{}');
});

describe('tenants', () => {
  test("another user's device does not exist, and neither do its calls", async () => {
    const { agent, target, call } = await start();
    const { sink } = call();
    const { id } = await nextCall(agent);
    const stranger = new TestSink();
    rig.registry.call({ ...target, userId: 'stranger' }, request(), stranger);
    const nobody = new TestSink();
    rig.registry.call({ ...target, userId: 'stranger', deviceId: 'none' }, request(), nobody);
    expect(await stranger.failure()).toEqual(await nobody.failure());
    expect(await stranger.failure()).toMatchObject({ code: 'unknown_device', dispatched: false });
    // The same machine id under another user is another device, and cannot answer this user's call.
    const { agent: thief, welcome } = await connect(rig, 'stranger');
    expect(welcome.device).not.toBe(target.deviceId);
    thief.send(FrameType.result, id, '{"stolen":1}');
    await thief.settled();
    agent.send(FrameType.result, id, '{}');
    expect(await sink.answer()).toBe('{}');
    expect(rig.registry.devices('stranger')).toHaveLength(1);
    expect(rig.registry.devices('user')).toHaveLength(1);
  });

  test('users are not told apart by how they look, but by who they are', async () => {
    await start();
    const other = await dial(rig, await rig.token('user\0'));
    const welcome = await other.greet({ machine: randomBytes(4).toString('hex') });
    expect(welcome.name).toBe('laptop');
    expect(rig.registry.devices('user')).toHaveLength(1);
  });
});
