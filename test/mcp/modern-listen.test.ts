import { describe, expect, it } from 'vitest';
import { ModernClient, SUBSCRIPTION_ID } from './modern-client.js';
import { type RpcReply, replyOf, SseReader } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import { exposed, exposedPrompt, exposedResource } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

const ALL = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

let relay: TestRelay;
let client: ModernClient;
relayOfEachTest(async (started) => {
  relay = started;
  client = await ModernClient.of(relay);
});

type Message = RpcReply & { readonly method?: string; readonly params?: Readonly<Record<string, unknown>> };

async function listen(id: unknown, notifications: object, from = client): Promise<SseReader> {
  return new SseReader(await from.request(id, 'subscriptions/listen', { notifications }));
}

async function next(reader: SseReader): Promise<Message> {
  const event = await reader.next();
  expect(event).not.toHaveProperty('id');
  return JSON.parse(event?.data ?? 'null') as Message;
}

const tag = (id: unknown) => ({ [SUBSCRIPTION_ID]: id });
const changed = (kind: string, id: unknown) => ({
  jsonrpc: '2.0',
  method: `notifications/${kind}/list_changed`,
  params: { _meta: tag(id) },
});

describe('subscriptions/listen at endpoints of several servers (§7.28)', () => {
  it.each([1, 'one', 0, -3])('is acknowledged first, tagged with its id %j', async (id) => {
    const response = await client.request(id, 'subscriptions/listen', { notifications: ALL });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.has('mcp-session-id')).toBe(false);
    expect(await next(new SseReader(response))).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: ALL, _meta: tag(id) },
    });
  });

  it.each([
    [{}, {}],
    [{ toolsListChanged: false, promptsListChanged: true }, { promptsListChanged: true }],
    [{ toolsListChanged: 'yes', acme: true, resourceSubscriptions: [] }, {}],
    [{ resourceSubscriptions: ['file:///no/key', 'laptop.nowhere+a:b'] }, {}],
    [{ taskIds: ['laptop.shell+t'] }, {}],
  ])('of %j honours %j', async (asked, honoured) => {
    expect((await next(await listen(1, asked))).params?.notifications).toEqual(honoured);
  });

  it('tells of changes in what this client sees, of the kinds it asked for alone', async () => {
    const reader = await listen('s', { toolsListChanged: true, resourcesListChanged: true });
    await next(reader);
    relay.devices.setPrompts('u1', [exposedPrompt('u1', 'greet')]);
    relay.devices.changed('u1');
    relay.devices.setTools('u2', [exposed('u2', 'x')]);
    relay.devices.setTools('u1', [exposed('u1', 'new')]);
    expect(await next(reader)).toEqual(changed('tools', 's'));
    relay.devices.setTemplates('u1', [exposedResource('u1', 'a:{x}', { uriTemplate: 'a:{x}' })]);
    expect(await next(reader)).toEqual(changed('resources', 's'));
    relay.devices.setResources('u1', [exposedResource('u1', 'a:b')]);
    expect(await next(reader)).toEqual(changed('resources', 's'));
    relay.devices.changed('u1');
    await relay.draining.end();
    expect(await reader.rest()).toHaveLength(2);
  });

  it('of one device tells of that device alone', async () => {
    const laptop = await listen(1, ALL, await ModernClient.of(relay, '/laptop'));
    const desk = await listen(2, ALL, await ModernClient.of(relay, '/desk'));
    await next(laptop);
    await next(desk);
    const [, onDesk] = relay.devices.tools('u1').tools;
    relay.devices.setTools('u1', [exposed('u1', 'new'), ...(onDesk === undefined ? [] : [onDesk])]);
    expect(await next(laptop)).toEqual(changed('tools', 1));
    await relay.draining.end();
    expect(await desk.rest()).toHaveLength(2);
  });

  it('may be open several times at once, each with its own id', async () => {
    const readers = [await listen(1, ALL), await listen('1', ALL)];
    for (const reader of readers) await next(reader);
    relay.devices.setTools('u1', []);
    const [first, second] = await Promise.all(readers.map(next));
    expect(first).toEqual(changed('tools', 1));
    expect(second).toEqual(changed('tools', '1'));
  });

  it('carries no progress and no log messages of calls', async () => {
    const reader = await listen(1, ALL);
    await next(reader);
    const answer = client.call(2, 'shell__execute', {}, { meta: { progressToken: 'p' } });
    const call = await relay.devices.next();
    call.progress(1);
    call.result('{}');
    await (await answer).text();
    relay.devices.setTools('u1', []);
    expect(await next(reader)).toEqual(changed('tools', 1));
  });

  it('is kept alive', async () => {
    await using quick = await startTestRelay({ limits: { keepaliveSeconds: 0.02 } });
    const reader = await listen(1, ALL, await ModernClient.of(quick));
    await next(reader);
    await reader.comment();
  });

  it('is let go of when the client leaves', async () => {
    const stop = new AbortController();
    const response = await client.request(1, 'subscriptions/listen', { notifications: ALL }, { signal: stop.signal });
    await next(new SseReader(response));
    expect(relay.devices.listenersOf('u1')).toBe(1);
    stop.abort();
    while (relay.devices.listenersOf('u1') > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('counts against the streams of one client, and frees its place', async () => {
    await using small = await startTestRelay({ limits: { streamsPerClient: 2 } });
    const one = await ModernClient.of(small);
    const readers = [await listen(1, ALL, one), await listen(2, ALL, one)];
    const third = await one.request(3, 'subscriptions/listen', { notifications: ALL });
    expect(third.status).toBe(429);
    expect(third.headers.get('retry-after')).toBe('30');
    expect(await replyOf(third)).toMatchObject({ id: 3, error: { code: -32603 } });
    await listen(1, ALL, await ModernClient.of(small, '', { client: 'c2' }));
    await readers[0]?.cancel();
    while (small.devices.listenersOf('u1') > 2) await new Promise((resolve) => setImmediate(resolve));
    expect((await one.request(4, 'subscriptions/listen', { notifications: ALL })).status).toBe(200);
  });

  it.each([undefined, 7, [], { resourceSubscriptions: 'a:b' }, { resourceSubscriptions: [1] }, { taskIds: {} }])(
    'a filter %j is wrong',
    async (notifications) => {
      const response = await client.request('i', 'subscriptions/listen', { notifications });
      expect(response.status).toBe(200);
      expect(await replyOf(response)).toMatchObject({ id: 'i', error: { code: -32602 } });
    },
  );

  it('needs a client that takes streams', async () => {
    const options = { accept: 'application/json' };
    const response = await client.request('i', 'subscriptions/listen', { notifications: ALL }, options);
    expect(response.status).toBe(406);
    expect((await replyOf(response)).id).toBe('i');
  });
});

describe('a subscription that the relay ends (§7.28)', () => {
  async function endOf(reader: SseReader): Promise<unknown[]> {
    return (await reader.rest()).map(({ data }) => JSON.parse(data) as unknown);
  }
  const end = (id: unknown, reason: string) => [
    {
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: id, reason, _meta: tag(id) },
    },
    { jsonrpc: '2.0', id, result: { resultType: 'complete', _meta: tag(id) } },
  ];

  it('when it shuts down, before that has gone on', async () => {
    const readers = [await listen(7, ALL), await listen('x', {})];
    for (const reader of readers) await next(reader);
    relay.draining.begin();
    expect(relay.devices.listenersOf('u1')).toBe(2);
    await relay.draining.end();
    expect(relay.devices.listenersOf('u1')).toBe(0);
    expect(await endOf(readers[0] as SseReader)).toEqual(end(7, 'the relay is shutting down'));
    expect(await endOf(readers[1] as SseReader)).toEqual(end('x', 'the relay is shutting down'));
  });

  it('when access is revoked, to that grant alone', async () => {
    const revoked = await listen(1, ALL);
    const other = await listen(2, ALL, await ModernClient.of(relay, '', { grant: 'g2' }));
    await next(revoked);
    await next(other);
    await relay.revocations.revoke('g1');
    expect(await endOf(revoked)).toEqual(end(1, 'access was revoked'));
    relay.devices.setTools('u1', []);
    expect(await next(other)).toEqual(changed('tools', 2));
  });

  it('when its token expires', async () => {
    const reader = await listen(1, ALL, await ModernClient.of(relay, '', { seconds: 2 }));
    await next(reader);
    expect(await endOf(reader)).toEqual(end(1, 'the access token has expired'));
  });

  it('and none is opened while it drains', async () => {
    relay.draining.begin();
    const response = await client.request('i', 'subscriptions/listen', { notifications: ALL });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await replyOf(response)).toMatchObject({ id: 'i', error: { code: -32603 } });
  });
});
