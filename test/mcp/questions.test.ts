import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawClient, replyIn, replyOf, SseReader } from './raw-client.js';
import type { TestCall } from './test-call.js';
import { exposed, laptop } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
let client: RawClient;
beforeEach(async () => {
  relay = await startTestRelay();
  relay.devices.setTools('u1', [exposed('u1', 'execute')]);
  relay.devices.setViews('u1', [laptop()]);
  client = await asking();
});
afterEach(async () => {
  expect(relay.log.errors).toEqual([]);
  expect(relay.devices.waiting).toBe(0);
  await relay[Symbol.asyncDispose]();
});

const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: { listChanged: true } };
const ELICIT = '{"message":"Sure?","requestedSchema":{"type":"object","properties":{}}}';

async function asking(principal = {}): Promise<RawClient> {
  const opened = await RawClient.of(relay, principal);
  await opened.initialize('2025-11-25', { capabilities: CAPABILITIES });
  return opened;
}

interface Asked {
  readonly id: string;
  readonly method: string;
  readonly params?: unknown;
}

/** The next message on the stream that has data. */
async function next(reader: SseReader): Promise<Asked & { readonly eventId: string }> {
  for (let event = await reader.next(); event !== undefined; event = await reader.next()) {
    if (event.data !== '') return { ...(JSON.parse(event.data) as Asked), eventId: event.id ?? '' };
  }
  throw new Error('the stream ended');
}

/** A call whose server has asked something. */
async function asked(
  by = client,
): Promise<{ call: TestCall; reader: SseReader; question: Asked & { eventId: string } }> {
  const answer = by.call(1, 'shell__execute');
  const call = await relay.devices.next();
  call.ask(7, 'elicitation/create', ELICIT);
  const reader = new SseReader(await answer);
  return { call, reader, question: await next(reader) };
}

describe('a question of the server’s', () => {
  it('§7.14 is a request on the stream of its call, and the answer goes back byte for byte', async () => {
    const { call, reader, question } = await asked();
    expect(question).toMatchObject({ method: 'elicitation/create', params: JSON.parse(ELICIT) as object });
    const body = `{"jsonrpc":"2.0","result": {"action":"accept","content":{"n":1.0,"big":9007199254740993}} ,"id":"${question.id}"}`;
    const taken = await client.post(body);
    expect(taken.status).toBe(202);
    expect(await taken.text()).toBe('');
    expect(await call.answered()).toEqual([
      { ask: 7, kind: 'result', json: '{"action":"accept","content":{"n":1.0,"big":9007199254740993}}' },
    ]);
    call.result('{"content":[]}');
    const rest = await reader.rest();
    expect(rest).toHaveLength(1);
    expect(replyIn(rest[0])).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } });
  });

  it('may be several at once, answered in any order, with errors too', async () => {
    const { call, reader, question } = await asked();
    call.ask(8, 'sampling/createMessage', { messages: [] });
    call.ask(9, 'roots/list', '');
    const [second, third] = [await next(reader), await next(reader)];
    expect(third).not.toHaveProperty('params');
    expect(new Set([question.id, second.id, third.id]).size).toBe(3);
    const error = { code: -1, message: 'User rejected sampling request' };
    await client.post({ jsonrpc: '2.0', id: second.id, error });
    await client.post({ jsonrpc: '2.0', id: third.id, result: { roots: [] } });
    await client.post({ jsonrpc: '2.0', id: question.id, result: { action: 'cancel' } });
    expect(await call.answered(3)).toEqual([
      { ask: 8, kind: 'error', json: JSON.stringify(error) },
      { ask: 9, kind: 'result', json: '{"roots":[]}' },
      { ask: 7, kind: 'result', json: '{"action":"cancel"}' },
    ]);
    call.result('{}');
    await reader.rest();
  });

  it('is answered once, and by nobody else', async () => {
    const { call, reader, question } = await asked();
    const answer = { jsonrpc: '2.0', id: question.id, result: { action: 'decline' } };
    const stranger = await RawClient.ready(relay, '2025-11-25', { user: 'u2' });
    const sibling = await asking();
    for (const other of [stranger, sibling]) expect((await other.post(answer)).status).toBe(202);
    for (const id of [7, '7', question.id.slice(0, -1), null]) {
      expect((await client.post({ ...answer, id })).status).toBe(202);
    }
    expect(call.answers).toEqual([]);
    await client.post(answer);
    await client.post({ ...answer, result: { action: 'accept' } });
    expect(call.answers.map(({ json }) => json)).toEqual(['{"action":"decline"}']);
    call.result('{}');
    await reader.rest();
    expect((await client.post(answer)).status).toBe(202);
    expect(call.answers).toHaveLength(1);
  });

  it('that the server takes back is cancelled on the same stream', async () => {
    const { call, reader, question } = await asked();
    call.sink.withdraw(7);
    expect(await next(reader)).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: question.id },
    });
    await client.post({ jsonrpc: '2.0', id: question.id, result: {} });
    expect(call.answers).toEqual([]);
    call.result('{}');
    await reader.rest();
  });

  it('dies with its call', async () => {
    const { call, reader, question } = await asked();
    call.result('{}');
    expect(await next(reader)).toMatchObject({ method: 'notifications/cancelled' });
    expect(await next(reader)).toMatchObject({ result: {} });
    await client.post({ jsonrpc: '2.0', id: question.id, result: {} });
    expect(call.answers).toEqual([]);
  });

  it('§7.23 is cancelled with the request it belongs to', async () => {
    const { call, reader, question } = await asked();
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    await call.cancellation();
    expect(await next(reader)).toMatchObject({ params: { requestId: question.id } });
    expect(await reader.rest()).toEqual([]);
  });

  it('is read again by a client that lost the stream, and answered then', async () => {
    const answer = client.call(1, 'shell__execute', {}, { meta: { progressToken: 'p' } });
    const call = await relay.devices.next();
    call.progress(1);
    const reader = new SseReader(await answer);
    const { eventId } = await next(reader);
    await reader.cancel();
    call.ask(7, 'elicitation/create', ELICIT);
    const resumed = new SseReader(await client.send('GET', { headers: { 'Last-Event-ID': eventId } }));
    const question = await next(resumed);
    expect(question.method).toBe('elicitation/create');
    await client.post({ jsonrpc: '2.0', id: question.id, result: { action: 'accept' } });
    await call.answered();
    call.result('{}');
    await resumed.rest();
  });

  it('§7.15 is not asked of a client that takes no event stream', async () => {
    const answer = client.call(1, 'shell__execute', {}, { accept: 'application/json' });
    const call = await relay.devices.next();
    expect(call.request.client.ask).toBe('none');
    expect(call.request.client.capabilities).toEqual({});
    call.ask(7, 'elicitation/create', ELICIT);
    expect((await call.answered())[0]).toMatchObject({ ask: 7, kind: 'error' });
    call.result('{"content":[]}');
    expect((await replyOf(await answer)).result).toEqual({ content: [] });
  });

  it('§7.20 of before a restart of the relay is answered into nothing', async () => {
    const { call, reader, question } = await asked();
    const { secret, store } = relay;
    await using restarted = await startTestRelay({ secret, store, devices: relay.devices });
    const again = await RawClient.of(restarted);
    const answer = again.call(1, 'shell__execute', {}, { session: client.session });
    const second = await relay.devices.next();
    second.ask(7, 'elicitation/create', ELICIT);
    const other = new SseReader(await answer);
    const fresh = await next(other);
    expect(fresh.id).not.toBe(question.id);
    const late = { jsonrpc: '2.0', id: question.id, result: {} };
    expect((await again.post(late, { session: client.session })).status).toBe(202);
    expect(second.answers).toEqual([]);
    for (const one of [call, second]) one.result('{}');
    await Promise.all([reader.rest(), other.rest()]);
  });

  it('goes out in a batch, too, where there is a stream', async () => {
    const old = await RawClient.of(relay);
    await old.initialize('2025-03-26', { capabilities: CAPABILITIES });
    const params = { name: 'shell__execute' };
    const answer = old.post([
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
      { jsonrpc: '2.0', id: 2, method: 'ping' },
    ]);
    const call = await relay.devices.next();
    expect(call.request.client.capabilities).toEqual({ sampling: {}, roots: { listChanged: true } });
    call.ask(7, 'sampling/createMessage', {});
    const reader = new SseReader(await answer);
    const question = await next(reader);
    await old.post([{ jsonrpc: '2.0', id: question.id, result: { model: 'm' } }]);
    expect(await call.answered()).toEqual([{ ask: 7, kind: 'result', json: '{"model":"m"}' }]);
    call.result('{}');
    expect(JSON.parse((await reader.rest())[0]?.data ?? '')).toHaveLength(2);
  });
});

describe('capabilities', () => {
  it.each([
    ['2025-11-25', { elicitation: { form: {}, url: {} }, sampling: { tools: {} } }],
    ['2025-06-18', { elicitation: { form: {} }, sampling: {} }],
    ['2025-03-26', { sampling: {} }],
  ])('of %s reach servers as that revision has them', async (version, expected) => {
    const opened = await RawClient.of(relay);
    await opened.initialize(version, { capabilities: CAPABILITIES });
    const answer = opened.call(1, 'shell__execute');
    const call = await relay.devices.next();
    expect(call.request.client.capabilities).toEqual({ ...expected, roots: { listChanged: true } });
    call.result('{}');
    await answer;
  });

  it.each([
    ['', '2025-11-25', false],
    ['/laptop/shell', '2025-11-25', true],
    ['/laptop/shell', '2025-06-18', false],
  ])('of a client’s tasks go through at %j in %s: %j', async (path, version, carried) => {
    const opened = await RawClient.of(relay, {}, path);
    relay.devices.setViews('u1', [laptop()]);
    await opened.initialize(version, { capabilities: { tasks: { list: {} } } });
    const answer = opened.call(1, 'shell__execute');
    const call = await relay.devices.next();
    expect(Object.keys(call.request.client.capabilities)).toEqual(carried ? ['tasks'] : []);
    call.result('{}');
    await answer;
  });
});
