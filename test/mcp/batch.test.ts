import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RawClient, replyOf, SseReader } from './raw-client.js';
import { exposed } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
let client: RawClient;
beforeAll(async () => {
  relay = await startTestRelay({ limits: { requestBytes: 10_000, silentSeconds: 60 } });
  relay.devices.setTools('u1', [exposed('u1', 'execute')]);
});
beforeEach(async () => {
  client = await RawClient.ready(relay, '2025-03-26');
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });
const call = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'shell__execute' } });

describe('§7.22 a batch', () => {
  it.each(['2025-11-25', '2025-06-18', '2024-11-05'])('is 400 in a session of %s', async (version) => {
    const other = await RawClient.ready(relay, version);
    const response = await other.post([ping(1)]);
    expect(response.status).toBe(400);
    expect((await replyOf(response)).error.code).toBe(-32600);
  });

  it('is 400 without a session, and with an initialize in it', async () => {
    const fresh = await RawClient.of(relay);
    const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-03-26' } };
    expect((await fresh.post([initialize])).status).toBe(400);
    const response = await client.post([ping(1), initialize]);
    expect(response.status).toBe(400);
    expect(response.headers.get('mcp-session-id')).toBeNull();
  });

  it('of notifications and responses is 202', async () => {
    const response = await client.post([
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 4, result: {} },
    ]);
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('');
  });

  it('is answered by an array, each request once', async () => {
    const answer = client.post([
      ping(1),
      call('two'),
      { jsonrpc: '2.0', method: 'n' },
      { jsonrpc: '2.0', id: 3 },
      call(4),
    ]);
    const [two, four] = [await relay.devices.next(), await relay.devices.next()];
    four.result('"four"');
    two.sink.piece('result', Buffer.from('"tw'), false);
    two.sink.piece('result', Buffer.from('o"'), true);
    const body: unknown = await (await answer).json();
    expect(body).toHaveLength(4);
    expect(body).toEqual(
      expect.arrayContaining([
        { jsonrpc: '2.0', id: 1, result: {} },
        { jsonrpc: '2.0', id: 'two', result: 'two' },
        { jsonrpc: '2.0', id: 4, result: 'four' },
        { jsonrpc: '2.0', id: 3, error: { code: -32600, message: expect.any(String) } },
      ]),
    );
    expect(two.consumedBytes).toBe(5);
  });

  it('may be answered in an event stream, with its notifications', async () => {
    const answer = client.post([call(1), ping(2)]);
    const running = await relay.devices.next();
    running.progress(1);
    running.result('{}');
    const events = await new SseReader(await answer).rest();
    expect(events[0]?.data).toContain('"progress":1');
    expect(JSON.parse(events[1]?.data ?? '')).toHaveLength(2);
  });

  it('has the same id only once in flight', async () => {
    const answer = client.post([call(1), call(1)]);
    (await relay.devices.next()).result('"first"');
    const body = JSON.stringify(await (await answer).json());
    expect(body).toContain('"first"');
    expect(body).toContain('-32600');
  });

  it('leaves out what was cancelled', async () => {
    const answer = client.post([call(1), call(2)]);
    const [one, two] = [await relay.devices.next(), await relay.devices.next()];
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(one.cancelled).toBeDefined();
    two.result('"two"');
    expect(await (await answer).json()).toEqual([{ jsonrpc: '2.0', id: 2, result: 'two' }]);
  });

  it('says so when a result is too large for it, and keeps the others', async () => {
    const answer = client.post([call(1), call(2)]);
    const [one, two] = [await relay.devices.next(), await relay.devices.next()];
    one.result(JSON.stringify('x'.repeat(20_000)));
    two.result('"two"');
    const body: unknown = await (await answer).json();
    expect(body).toContainEqual({ jsonrpc: '2.0', id: 2, result: 'two' });
    expect(JSON.stringify(body)).toContain('too large for a batch');
  });
});
