import { afterEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../src/config/config.js';
import { type AskHead, decodeAnswer, encodeAsk } from '../../src/protocol/call-messages.js';
import { CALL_WINDOW_BYTES, FrameType, HEADER_BYTES, MAX_BODY_BYTES } from '../../src/protocol/frames.js';
import { encodeWindow } from '../../src/protocol/messages.js';
import { connect, type FakeAgent } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';
import { request, TestSink } from './sink.js';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

/** One call that is running. */
async function start(limits: Partial<Limits> = {}) {
  rig = await startRig({ resumeSeconds: 20, ...limits });
  const { agent, welcome } = await connect(rig, 'user');
  const target = { userId: 'user', deviceId: welcome.device, server: 'shell' };
  const sink = new TestSink();
  const handle = rig.registry.call(target, request(), sink);
  sink.taken = (bytes) => handle.consumed(bytes);
  const { id } = await agent.next(FrameType.call);
  return { agent, sink, handle, id };
}

const body = (head: AskHead, params = '{"message":"sure?"}') => encodeAsk(head, Buffer.from(params));
const question = (ask: number) => body({ ask, method: 'elicitation/create' });
const gone = (ask: number) => body({ ask, gone: true }, '');

function questions(agent: FakeAgent, id: string, bodies: readonly Buffer[]): void {
  for (const one of bodies) agent.send(FrameType.ask, id, one);
}

async function nextAnswer(agent: FakeAgent, id: string) {
  const pieces = [];
  for (let more = true; more; ) {
    const frame = await agent.next(FrameType.answer, id);
    pieces.push(frame.body);
    more = frame.more;
  }
  const { head, json } = decodeAnswer(Buffer.concat(pieces));
  return { ...head, json: json.toString() };
}

async function cut(agent: FakeAgent): Promise<void> {
  const before = rig.log.filter((line) => line.includes('link closed')).length;
  agent.socket.terminate();
  await rig.logged('link closed', before + 1);
}

describe('a question', () => {
  test('is put to the client, and its answer goes back on one line', async () => {
    const { agent, sink, handle, id } = await start();
    agent.send(FrameType.ask, id, question(1));
    await sink.until(() => sink.open.size === 1);
    expect(sink.open.get(1)).toEqual({ method: 'elicitation/create', params: '{"message":"sure?"}' });
    handle.answer(1, 'result', Buffer.from('{\r\n "action": "accept"\n}'));
    expect(await nextAnswer(agent, id)).toEqual({ ask: 1, kind: 'result', json: '{   "action": "accept" }' });
    agent.send(FrameType.ask, id, gone(1));
    agent.send(FrameType.result, id, '{}');
    expect(await sink.answer()).toBe('{}');
  });

  test('is one of several, answered in any order, with an error too', async () => {
    const { agent, sink, handle, id } = await start();
    for (const ask of [1, 2, 3]) agent.send(FrameType.ask, id, question(ask));
    agent.send(FrameType.event, id, '{}');
    await sink.until(() => sink.heard.length === 1);
    expect([...sink.open.keys()]).toEqual([1, 2, 3]);
    handle.answer(3, 'error', Buffer.from('{"code":-1}'));
    handle.answer(1, 'result', Buffer.from('{}'));
    expect(await nextAnswer(agent, id)).toEqual({ ask: 3, kind: 'error', json: '{"code":-1}' });
    expect(await nextAnswer(agent, id)).toMatchObject({ ask: 1 });
  });

  test('that is taken back is answered no more, nor is one that was answered', async () => {
    const { agent, sink, handle, id } = await start();
    agent.send(FrameType.ask, id, question(1));
    agent.send(FrameType.ask, id, question(2));
    agent.send(FrameType.ask, id, gone(1));
    await sink.until(() => sink.asked.length === 2 && sink.open.size === 1);
    expect([...sink.open.keys()]).toEqual([2]);
    handle.answer(1, 'result', Buffer.from('{}'));
    handle.answer(7, 'result', Buffer.from('{}'));
    handle.answer(2, 'result', Buffer.from('{"first":1}'));
    handle.answer(2, 'result', Buffer.from('{"second":1}'));
    expect(await nextAnswer(agent, id)).toMatchObject({ ask: 2, json: '{"first":1}' });
    await agent.settled();
    expect(agent.frames).toEqual([]);
  });

  test('larger than the window arrives', async () => {
    const { agent, sink, id } = await start();
    const params = `{"message":"${'m'.repeat(600_000)}"}`;
    await agent.onCredit(FrameType.ask, id, body({ ask: 1, method: 'sampling/createMessage' }, params));
    await sink.until(() => sink.open.size === 1);
    expect(sink.open.get(1)?.params).toBe(params);
  });

  test('gives its credit back when it has come', async () => {
    const { agent, sink, id } = await start();
    const params = `{"message":"${'m'.repeat(50_000)}"}`;
    for (let ask = 1; ask <= 4; ask++) {
      agent.send(FrameType.ask, id, body({ ask, method: 'm' }, params));
      await sink.until(() => sink.asked.length === ask);
    }
    await agent.next(FrameType.window, id);
  });

  test.each<[string, (agent: FakeAgent, id: string) => void]>([
    ['asked twice', (agent, id) => questions(agent, id, [question(1), question(1)])],
    ['taken back twice', (agent, id) => questions(agent, id, [question(1), gone(1), gone(1)])],
    ['without a head', (agent, id) => agent.send(FrameType.ask, id, '{}')],
    [
      'without a number',
      (agent, id) => agent.send(FrameType.ask, id, Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from('{}{}')])),
    ],
    ['without params', (agent, id) => agent.send(FrameType.ask, id, body({ ask: 1, method: 'm' }, ''))],
    ['with a line break', (agent, id) => agent.send(FrameType.ask, id, body({ ask: 1, method: 'm' }, '{\n}'))],
    ['of an empty frame', (agent, id) => agent.send(FrameType.ask, id, '', true)],
    [
      'that is the 65th',
      (agent, id) => Array.from({ length: 65 }, (_, n) => agent.send(FrameType.ask, id, question(n + 1))),
    ],
    [
      'within a notification',
      (agent, id) => {
        agent.send(FrameType.event, id, '{', true);
        agent.send(FrameType.ask, id, question(1));
      },
    ],
    [
      'within an answer',
      (agent, id) => {
        agent.send(FrameType.result, id, '{', true);
        agent.send(FrameType.ask, id, question(1));
      },
    ],
    ['byte by byte', (agent, id) => Array.from({ length: 1100 }, () => agent.send(FrameType.ask, id, 'x', true))],
  ])('%s ends its call, and nothing else', async (_what, send) => {
    const { agent, sink, id } = await start();
    send(agent, id);
    expect(await sink.failure()).toMatchObject({ code: 'protocol', dispatched: true });
    await agent.next(FrameType.cancel, id);
    await agent.settled();
  });

  test('that makes too much for a client which answers none ends its call, taken back or not', async () => {
    const { agent, sink, id } = await start();
    let sent = 0;
    for (let ask = 1; ask <= 150; ask++) {
      agent.send(FrameType.ask, id, body({ ask, method: 'm' }, `"${'x'.repeat(60_000)}"`));
      agent.send(FrameType.ask, id, gone(ask));
      sent += 60_000;
      // Its credit comes back all the while.
      await agent.settled();
      if (sink.heard.length > 0) break;
    }
    expect((await sink.failure()).message).toContain('more questions than a client can answer');
    expect(sent).toBeGreaterThan(8_000_000);
  });

  test('that is answered leaves room for more', async () => {
    const { agent, sink, handle, id } = await start();
    for (let ask = 1; ask <= 150; ask++) {
      agent.send(FrameType.ask, id, body({ ask, method: 'm' }, `"${'x'.repeat(60_000)}"`));
      await sink.until(() => sink.open.size === 1);
      handle.answer(ask, 'result', Buffer.from('{}'));
      sink.open.clear();
      agent.send(FrameType.ask, id, gone(ask));
    }
    agent.send(FrameType.result, id, '{}');
    expect(await sink.answer()).toBe('{}');
  });

  test('whose answers the agent never has ends its call before they are too many', async () => {
    const { agent, sink, handle, id } = await start();
    for (let ask = 1; ask <= 4; ask++) agent.send(FrameType.ask, id, question(ask));
    await sink.until(() => sink.open.size === 4);
    const large = Buffer.from(`"${'x'.repeat(3 * 1024 * 1024)}"`);
    for (let ask = 1; ask <= 4; ask++) handle.answer(ask, 'result', large);
    expect((await sink.failure()).message).toContain('nothing to say that it has the answers');
  });

  test('over 4 MiB ends its call', async () => {
    const { agent, sink, id } = await start();
    const sent = agent.onCredit(FrameType.ask, id, body({ ask: 1, method: 'm' }, 'x'.repeat(4 * 1024 * 1024)));
    expect((await sink.failure()).message).toContain('too large a message');
    await sent;
  });
});

describe('time', () => {
  test('does not count while a question is open, but in all', async () => {
    const { agent, sink, id } = await start({ callSeconds: 0.1, callMaxSeconds: 0.8 });
    agent.send(FrameType.ask, id, question(1));
    expect((await sink.failure()).message).toContain('longer than 0.8 s');
  });

  test('counts again once it is answered', async () => {
    const { agent, sink, handle, id } = await start({ callSeconds: 0.1, callMaxSeconds: 60 });
    agent.send(FrameType.ask, id, question(1));
    agent.send(FrameType.ask, id, question(2));
    await sink.until(() => sink.open.size === 2);
    handle.answer(1, 'result', Buffer.from('{}'));
    agent.send(FrameType.ask, id, gone(2));
    expect((await sink.failure()).message).toContain('no progress for 0.1 s');
  });
});

describe('a lost link', () => {
  test('in the middle of a question: it goes on where it stopped, and is put once', async () => {
    const { agent, sink, handle, id } = await start();
    const params = `{"message":"${'m'.repeat(2 * MAX_BODY_BYTES)}"}`;
    const whole = body({ ask: 1, method: 'elicitation/create' }, params);
    agent.send(FrameType.ask, id, whole.subarray(0, MAX_BODY_BYTES), true);
    await agent.settled();
    await cut(agent);
    const { agent: again, welcome } = await connect(rig, 'user', { calls: [id] });
    expect(welcome.calls[id]).toBe(MAX_BODY_BYTES + HEADER_BYTES);
    again.message(FrameType.ask, id, whole.subarray(MAX_BODY_BYTES));
    await sink.until(() => sink.open.size === 1);
    expect(sink.open.get(1)?.params).toBe(params);
    expect(sink.asked).toEqual([1]);
    handle.answer(1, 'result', Buffer.from('{}'));
    expect(await nextAnswer(again, id)).toMatchObject({ ask: 1 });
  });

  test('in the middle of an answer: it is said again from the beginning, with credit of its own', async () => {
    const { agent, sink, handle, id } = await start();
    agent.send(FrameType.ask, id, question(1));
    await sink.until(() => sink.open.size === 1);
    const text = `{"content":"${'c'.repeat(600_000)}"}`;
    handle.answer(1, 'result', Buffer.from(text));
    // The first window of it arrives; the agent grants no more.
    for (let frames = 0; frames < 3; frames++) await agent.next(FrameType.answer, id);
    await agent.settled();
    expect(agent.frames).toEqual([]);
    await cut(agent);
    const { agent: again } = await connect(rig, 'user', { calls: [id] });
    again.send(FrameType.window, id, encodeWindow(4 * CALL_WINDOW_BYTES));
    expect(await nextAnswer(again, id)).toEqual({ ask: 1, kind: 'result', json: text });
  });

  test('between two links: what was answered then is said on the next, until the agent says the question is gone', async () => {
    const { agent, sink, handle, id } = await start();
    for (const ask of [1, 2, 3]) agent.send(FrameType.ask, id, question(ask));
    await sink.until(() => sink.open.size === 3);
    handle.answer(1, 'result', Buffer.from('{"n":1}'));
    expect(await nextAnswer(agent, id)).toMatchObject({ ask: 1 });
    agent.send(FrameType.ask, id, gone(1));
    await agent.settled();
    await cut(agent);
    handle.answer(2, 'result', Buffer.from('{"n":2}'));
    const { agent: second } = await connect(rig, 'user', { calls: [id] });
    expect(await nextAnswer(second, id)).toMatchObject({ ask: 2, json: '{"n":2}' });
    await cut(second);
    const { agent: third } = await connect(rig, 'user', { calls: [id] });
    expect(await nextAnswer(third, id)).toMatchObject({ ask: 2, json: '{"n":2}' });
    third.send(FrameType.ask, id, gone(2));
    await third.settled();
    await cut(third);
    const { agent: fourth } = await connect(rig, 'user', { calls: [id] });
    await fourth.settled();
    expect(fourth.frames.filter(({ type }) => type === FrameType.answer)).toEqual([]);
  });

  test('a question dies with its call', async () => {
    const { agent, sink, handle, id } = await start();
    agent.send(FrameType.ask, id, question(1));
    await sink.until(() => sink.open.size === 1);
    handle.cancel('gone');
    handle.answer(1, 'result', Buffer.from('{}'));
    await agent.next(FrameType.cancel, id);
    await agent.settled();
    expect(agent.frames).toEqual([]);
  });
});
