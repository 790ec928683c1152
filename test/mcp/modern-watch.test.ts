import { beforeEach, describe, expect, it } from 'vitest';
import { devicesOfU1 } from './endpoint-devices.js';
import { capable, ModernClient, PREFIX, SUBSCRIPTION_ID } from './modern-client.js';
import { type RpcReply, replyOf, SseReader } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import type { TestCall } from './test-call.js';
import type { TestRelay } from './test-relay.js';

const A = 'laptop.shell+file:///a';
const B = 'laptop.shell+file:///b';
const DESK = 'desk.shell+file:///a';

let relay: TestRelay;
let client: ModernClient;
relayOfEachTest(async (started) => {
  relay = started;
  client = await ModernClient.of(relay);
});

type Message = RpcReply & { readonly method?: string; readonly params?: Readonly<Record<string, unknown>> };

async function next(reader: SseReader): Promise<Message> {
  return JSON.parse((await reader.next())?.data ?? 'null') as Message;
}

const tag = (id: unknown) => ({ [SUBSCRIPTION_ID]: id });

/** As the agent tells it: URIs as the client knows them, tagged. */
function updated(call: TestCall, id: unknown, uri: string): void {
  call.notify('notifications/resources/updated', { uri, _meta: tag(id) });
}

function watch(id: unknown, uris: readonly string[]): Promise<Response> {
  return client.request(id, 'subscriptions/listen', { notifications: { resourceSubscriptions: uris } });
}

describe('resources listened to at endpoints of several servers (§7.28)', () => {
  it('are asked for at the servers that have them, and acknowledged when all have answered', async () => {
    const answer = client.request('s', 'subscriptions/listen', {
      notifications: { toolsListChanged: true, resourceSubscriptions: [B, DESK, A, A, 'file:///a'] },
    });
    const [laptop, desk] = [await relay.devices.next(), await relay.devices.next()];
    expect(laptop.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(laptop.request).toMatchObject({
      method: 'subscriptions/listen',
      lasting: true,
      client: { era: 'modern', uriKey: 'laptop.shell', endpoint: 'aggregate' },
    });
    expect(JSON.parse(laptop.params)).toEqual({
      notifications: { resourceSubscriptions: ['file:///b', 'file:///a'] },
      _meta: tag('s'),
    });
    expect(desk.target.deviceId).toBe('device-2');
    updated(laptop, 's', A);
    laptop.acknowledge({ resourceSubscriptions: ['file:///a'] });
    updated(laptop, 's', A);
    desk.acknowledge({ resourceSubscriptions: [DESK] });
    const reader = new SseReader(await answer);
    expect((await next(reader)).params).toEqual({
      notifications: { toolsListChanged: true, resourceSubscriptions: [DESK, A] },
      _meta: tag('s'),
    });
    const event = { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: A, _meta: tag('s') } };
    expect(await next(reader)).toEqual(event);
    expect(await next(reader)).toEqual(event);
    updated(desk, 's', DESK);
    expect((await next(reader)).params?.uri).toBe(DESK);
    await desk.consumption(1);
    await reader.cancel();
    expect(await laptop.cancellation()).toBe('the client stopped listening');
    expect(await desk.cancellation()).toBe('the client stopped listening');
  });

  it('keep the id as it was written', async () => {
    const message = `{"jsonrpc":"2.0","id":9007199254740993,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["${A}"]},"_meta":{"${PREFIX}protocolVersion":"2026-07-28","${PREFIX}clientCapabilities":{}}}}`;
    const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'subscriptions/listen' };
    const answer = client.raw(message, headers);
    const call = await relay.devices.next();
    expect(call.params).toContain(`"${SUBSCRIPTION_ID}":9007199254740993`);
    call.acknowledge({ resourceSubscriptions: ['file:///a'] });
    expect((await new SseReader(await answer).next())?.data).toContain(`"${SUBSCRIPTION_ID}":9007199254740993`);
  });

  it.each([
    ['refuses', (call: TestCall) => call.error({ code: -32601, message: 'no' })],
    ['honours nothing', (call: TestCall) => call.acknowledge({})],
    ['is not there', (call: TestCall) => call.sink.fail({ code: 'offline', dispatched: false, message: 'Off.' })],
    ['ends at once', (call: TestCall) => call.result('{}')],
  ])('are left out where the server %s', async (_what, respond) => {
    const answer = watch(1, [A, DESK]);
    const [laptop, desk] = [await relay.devices.next(), await relay.devices.next()];
    respond(laptop);
    desk.acknowledge({ resourceSubscriptions: ['file:///a'] });
    const reader = new SseReader(await answer);
    expect((await next(reader)).params?.notifications).toEqual({ resourceSubscriptions: [DESK] });
    relay.devices.changed('u1');
  });

  it('are left out where the server does not answer in time', async () => {
    const answer = watch(1, [A, DESK]);
    const [laptop, desk] = [await relay.devices.next(), await relay.devices.next()];
    desk.acknowledge({ resourceSubscriptions: ['file:///a'] });
    const reader = new SseReader(await answer);
    expect((await next(reader)).params?.notifications).toEqual({ resourceSubscriptions: [DESK] });
    expect(await laptop.cancellation()).toBe('no answer in time');
    laptop.acknowledge({ resourceSubscriptions: ['file:///a'] });
    updated(laptop, 1, A);
    updated(desk, 1, DESK);
    expect((await next(reader)).params?.uri).toBe(DESK);
  });

  it('are asked for again when their server is back, and may have changed', async () => {
    const answer = watch(1, [A, B]);
    const first = await relay.devices.next();
    first.acknowledge({ resourceSubscriptions: ['file:///a'] });
    const reader = new SseReader(await answer);
    await next(reader);
    relay.devices.setViews('u1', []);
    first.sink.fail({ code: 'lost', dispatched: true, message: 'Lost.' });
    relay.devices.changed('u1');
    expect(relay.devices.waiting).toBe(0);
    relay.devices.setViews('u1', devicesOfU1());
    relay.devices.changed('u1');
    relay.devices.changed('u1');
    const second = await relay.devices.next();
    expect(second.params).toBe(first.params);
    second.acknowledge({ resourceSubscriptions: ['file:///a', 'file:///b'] });
    expect((await next(reader)).params).toEqual({ uri: A, _meta: tag(1) });
    updated(second, 1, A);
    expect((await next(reader)).params).toEqual({ uri: A, _meta: tag(1) });
    await relay.draining.end();
    expect(await second.cancellation()).toBe('the client stopped listening');
    expect(await reader.rest()).toHaveLength(2);
  });

  it('say nothing but what was asked of them', async () => {
    const answer = watch(1, [A]);
    const call = await relay.devices.next();
    call.acknowledge({ resourceSubscriptions: ['file:///a'] });
    const reader = new SseReader(await answer);
    await next(reader);
    call.notify('notifications/tools/list_changed', { _meta: tag(1) });
    call.notify('notifications/message', { level: 'error', data: 'x' });
    call.progress(1);
    call.ask(1, 'elicitation/create', {});
    expect((await call.answered())[0]?.kind).toBe('error');
    updated(call, 1, A);
    expect((await next(reader)).method).toBe('notifications/resources/updated');
  });

  it('tasks are, for a client that knows of tasks', async () => {
    const meta = capable({ extensions: { 'io.modelcontextprotocol/tasks': {} } });
    const notifications = { taskIds: ['laptop.shell+t1'] };
    const answer = client.request(1, 'subscriptions/listen', { notifications }, { meta });
    const call = await relay.devices.next();
    expect(JSON.parse(call.params)).toMatchObject({ notifications: { taskIds: ['t1'] } });
    call.acknowledge({ taskIds: ['t1'] });
    const reader = new SseReader(await answer);
    expect((await next(reader)).params?.notifications).toEqual(notifications);
    call.notify('notifications/tasks', { taskId: 'laptop.shell+t1', status: 'working', _meta: tag(1) });
    expect((await next(reader)).params).toMatchObject({ taskId: 'laptop.shell+t1' });
  });
});

describe('subscriptions/listen at a server’s own endpoint (§7.28)', () => {
  let server: ModernClient;
  beforeEach(async () => {
    server = await ModernClient.of(relay, '/laptop/shell');
  });

  const params = (id: string) =>
    `{"notifications":{"toolsListChanged":true,"acme/own":[1.0]},"x":1e2,"_meta":{"${SUBSCRIPTION_ID}":"forged","${PREFIX}protocolVersion":"2026-07-28","${PREFIX}clientCapabilities":{},"a/b":1${id}}}`;

  function open(): Promise<Response> {
    const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'subscriptions/listen' };
    return server.raw(`{"jsonrpc":"2.0","id":5,"method":"subscriptions/listen","params":${params('')}}`, headers);
  }

  it('goes to the server as it is, with its id, and comes back as it is', async () => {
    const answer = open();
    const call = await relay.devices.next();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(call.request).toMatchObject({ lasting: true, client: { era: 'modern', endpoint: 'server' } });
    expect(call.params).toBe(
      `{"notifications":{"toolsListChanged":true,"acme/own":[1.0]},"x":1e2,"_meta":{"${SUBSCRIPTION_ID}":5,"${PREFIX}protocolVersion":"2026-07-28","${PREFIX}clientCapabilities":{},"a/b":1}}`,
    );
    call.notify('notifications/subscriptions/acknowledged', { notifications: { 'acme/own': true }, _meta: tag(5) });
    const reader = new SseReader(await answer);
    expect((await next(reader)).params).toEqual({ notifications: { 'acme/own': true }, _meta: tag(5) });
    call.notify('notifications/acme/own', { n: 1, _meta: tag(5) });
    expect(await next(reader)).toMatchObject({ method: 'notifications/acme/own' });
    const before = call.consumedBytes;
    expect(before).toBeGreaterThan(0);
    call.result('{"resultType":"complete","theirs":1.0}');
    const rest = (await reader.rest()).map(({ data }) => data);
    expect(rest).toEqual(['{"jsonrpc":"2.0","id":5,"result":{"resultType":"complete","theirs":1.0}}']);
  });

  it.each([
    [-32601, 404],
    [-32602, 200],
  ])('is refused by the server with %d as by HTTP %d', async (code, status) => {
    const answer = open();
    (await relay.devices.next()).error({ code, message: 'no', data: { theirs: 1 } });
    const response = await answer;
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 5,
      error: { code, message: 'no', data: { theirs: 1 } },
    });
  });

  it('that is lost before it was acknowledged is an error, and after that ends', async () => {
    const failure = { code: 'lost', dispatched: true, message: 'Lost.' } as const;
    const early = open();
    (await relay.devices.next()).sink.fail(failure);
    expect((await replyOf(await early)).error).toMatchObject({
      code: -32603,
      message: expect.stringContaining('Lost.'),
    });
    const late = open();
    const call = await relay.devices.next();
    call.notify('notifications/subscriptions/acknowledged', { notifications: {}, _meta: tag(5) });
    call.sink.fail(failure);
    const events = await new SseReader(await late).rest();
    expect(events.map(({ data }) => JSON.parse(data) as Message).at(-1)).toEqual({
      jsonrpc: '2.0',
      id: 5,
      result: { resultType: 'complete', _meta: tag(5) },
    });
  });

  it('is cancelled when its client leaves, and when the relay ends it', async () => {
    const leaving = open();
    const first = await relay.devices.next();
    first.notify('notifications/subscriptions/acknowledged', { notifications: {}, _meta: tag(5) });
    await new SseReader(await leaving).cancel();
    expect(await first.cancellation()).toBe('the client stopped listening');
    const staying = open();
    const second = await relay.devices.next();
    second.notify('notifications/subscriptions/acknowledged', { notifications: {}, _meta: tag(5) });
    await relay.draining.end();
    expect(await second.cancellation()).toBe('the client stopped listening');
    const last = (await new SseReader(await staying).rest()).at(-1);
    expect(last?.data).toContain('"resultType":"complete"');
  });

  it('is told of the relay’s end before that goes on, however slowly it reads', async () => {
    const answer = open();
    const call = await relay.devices.next();
    const big = { _meta: tag(5), data: 'x'.repeat(1_000_000) };
    for (let count = 0; count < 20; count += 1) call.notify('notifications/acme/own', big);
    const response = await answer;
    let gone = false;
    const end = relay.draining.end().then(() => {
      gone = true;
    });
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(gone).toBe(false);
    expect((await new SseReader(response).rest()).at(-1)?.data).toContain('"resultType":"complete"');
    await end;
  });

  it('with too large an end ends all the same', async () => {
    const answer = open();
    const call = await relay.devices.next();
    call.notify('notifications/subscriptions/acknowledged', { notifications: {}, _meta: tag(5) });
    call.sink.piece('result', Buffer.from(`{"x":"${'y'.repeat(70_000)}`), false);
    await call.cancellation();
    expect((await new SseReader(await answer).rest()).at(-1)?.data).toContain('"resultType":"complete"');
  });
});
