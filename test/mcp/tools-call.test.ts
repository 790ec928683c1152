import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CallFailureCode } from '../../src/relay/devices/types.js';
import { RawClient, replyIn, replyOf, SseReader } from './raw-client.js';
import { exposed, laptop } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
let client: RawClient;
beforeAll(async () => {
  relay = await startTestRelay();
  relay.devices.setTools('u1', [exposed('u1', 'execute')]);
  relay.devices.setAmbiguous('u1', { shell__run: ['desk__shell__run', 'laptop__shell__run'] });
  relay.devices.setViews('u1', [laptop()]);
});
beforeEach(async () => {
  client = await RawClient.ready(relay);
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  expect(relay.devices.waiting).toBe(0);
  await relay[Symbol.asyncDispose]();
});

async function call(body: string, options: Parameters<RawClient['post']>[1] = {}) {
  const answer = client.post(body, options);
  const call = await relay.devices.next();
  call.result('{}');
  await (await answer).text();
  return call;
}

describe('the call as it is forwarded', () => {
  it('keeps params byte for byte but for the name', async () => {
    const args = '{"big":9007199254740993,"f":1.0e2,"s":"\\u00e9\\/", "b":true ,"a":1,"__proto__":{"x":1}}';
    const sent = await call(
      `{"id":1,"method":"tools/call","jsonrpc":"2.0","params":{"arguments": ${args} ,"name":"shell__execute","new":[1, 2]}}`,
    );
    expect(sent.params).toBe(`{"arguments": ${args} ,"name":"execute","new":[1, 2]}`);
    expect(sent.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(sent.request.method).toBe('tools/call');
  });

  it('is one line', async () => {
    const pretty = JSON.stringify(
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'shell__execute', arguments: { a: 'b\r\nc' } } },
      null,
      2,
    ).replaceAll('\n', '\r\n');
    const sent = await call(pretty);
    expect(sent.params).not.toMatch(/[\r\n]/);
    expect(JSON.parse(sent.params)).toEqual({ name: 'execute', arguments: { a: 'b\r\nc' } });
  });

  it('has the progress token beside the params, not in them', async () => {
    const params = (meta: string) =>
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":${meta},"name":"shell__execute"}}`;
    const both = await call(params('{"x/y":1, "progressToken" : "p1"}'));
    expect(both.params).toBe('{"_meta":{"x/y":1},"name":"execute"}');
    expect(both.request.progressToken).toBe('p1');
    const only = await call(params('{"progressToken":0}'));
    expect(only.params).toBe('{"name":"execute"}');
    expect(only.request.progressToken).toBe(0);
    const none = await call(params('{"k":1}'));
    expect(none.params).toBe('{"_meta":{"k":1},"name":"execute"}');
    expect(none.request.progressToken).toBeUndefined();
  });

  it('says for whom', async () => {
    await client.initialize('2025-06-18', {
      capabilities: { sampling: {}, elicitation: {}, roots: {}, experimental: { x: {} } },
    });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const sent = await call('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shell__execute"}}', {
      headers: { traceparent },
    });
    expect(sent.request.client).toEqual({
      era: 'legacy',
      protocolVersion: '2025-06-18',
      endpoint: 'aggregate',
      id: 'c1',
      info: { name: 'raw', version: '1' },
      capabilities: { sampling: {}, elicitation: {}, roots: {}, experimental: { x: {} } },
      ask: 'push',
      session: expect.stringMatching(/^[\w-]{22}$/),
      uriKey: 'laptop.shell',
    });
    expect(sent.request.traceparent).toBe(traceparent);
    expect(sent.request.logLevel).toBe('info');
  });

  it('is refused with -32602 when it cannot be', async () => {
    const error = async (params: string) =>
      (await replyOf(await client.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`))).error;
    expect(await error('{"name":"nope"}')).toEqual({ code: -32602, message: 'Unknown tool: nope' });
    expect(await error('{"name":"shell__run"}')).toEqual({
      code: -32602,
      message: 'Ambiguous tool: shell__run. Call one of: desk__shell__run, laptop__shell__run',
    });
    expect(await error('{}')).toMatchObject({ code: -32602 });
    expect(await error('{"name":7}')).toMatchObject({ code: -32602 });
    expect(await error('{"name":"shell__execute","arguments":[]}')).toMatchObject({ code: -32602 });
    expect(await error('{"name":"x","name":"shell__execute"}')).toMatchObject({ code: -32602 });
    expect(await error('{"name":"shell__execute","_meta":{},"_meta":{}}')).toMatchObject({ code: -32602 });
  });
});

describe('the answer', () => {
  it('is the local server’s bytes, whatever they are', async () => {
    for (const bytes of ['{"content":[ ],"x":9007199254740993}', 'this is not JSON', '\u0000\ufffd"', '{"unclosed":']) {
      const answer = client.call(7, 'shell__execute');
      (await relay.devices.next()).result(bytes);
      const response = await answer;
      const text = await response.text();
      expect(text).toBe(`{"jsonrpc":"2.0","id":7,"result":${bytes}}`);
      expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    }
  });

  it('is an error as it came', async () => {
    const answer = client.call(7, 'shell__execute');
    const error = '{"code":-32042,"message":"m","data":{"x":1},"unknown":2}';
    (await relay.devices.next()).sink.piece('error', Buffer.from(error), true);
    expect(await (await answer).text()).toBe(`{"jsonrpc":"2.0","id":7,"error":${error}}`);
  });

  it('in several pieces is one JSON body, without a length', async () => {
    const answer = client.call('s', 'shell__execute');
    const { sink } = await relay.devices.next();
    for (const piece of ['{"a', '":', '1']) sink.piece('result', Buffer.from(piece), false);
    sink.piece('result', Buffer.from('}'), true);
    const response = await answer;
    expect(response.headers.get('content-length')).toBeNull();
    expect(await response.text()).toBe('{"jsonrpc":"2.0","id":"s","result":{"a":1}}');
  });

  it.each<[CallFailureCode, boolean, RegExp]>([
    ['offline', false, /laptop is offline\. .*not dispatched: safe to retry/],
    ['lost', true, /laptop is offline\. .*outcome unknown/],
    ['too_large', true, /laptop is offline\.$/],
  ])('to a call that failed (%s) is a tool result that says whether to retry', async (code, dispatched, text) => {
    const answer = client.call(7, 'shell__execute');
    (await relay.devices.next()).sink.fail({ code, dispatched, message: 'laptop is offline.' });
    const { result } = await replyOf(await answer);
    expect(result.isError).toBe(true);
    expect(result.content[0]?.text).toMatch(text);
  });

  it('to a call that fails midway in JSON is a cut connection, never a wrong result', async () => {
    const answer = client.call(7, 'shell__execute');
    const { sink } = await relay.devices.next();
    sink.piece('result', Buffer.from('{"half'), false);
    const response = await answer;
    sink.fail({ code: 'lost', dispatched: true, message: 'lost' });
    await expect(response.text()).rejects.toThrow();
  });

  it('to a call that fails midway in a stream is an error', async () => {
    const answer = client.call(7, 'shell__execute', {}, { accept: 'text/event-stream' });
    const { sink } = await relay.devices.next();
    sink.piece('result', Buffer.from('{"half'), false);
    sink.fail({ code: 'lost', dispatched: true, message: 'lost' });
    const events = await new SseReader(await answer).rest();
    expect(() => replyIn(events[1])).toThrow();
    expect(replyIn(events[2])).toMatchObject({ id: 7, error: { code: -32603, message: 'lost (outcome unknown)' } });
    expect(events).toHaveLength(3);
  });
});

describe('a mistake behind the seam', () => {
  it('is an error for its own call, and the id is free again', async () => {
    const whole = relay.devices.resolve;
    relay.devices.resolve = () => {
      throw new Error('mistake');
    };
    const response = await client.call(1, 'shell__execute');
    relay.devices.resolve = whole;
    expect((await replyOf(response)).error.code).toBe(-32603);
    expect(relay.log.errors.splice(0)).toEqual(['a call could not be started Error: mistake']);
    const again = client.call(1, 'shell__execute');
    (await relay.devices.next()).result('{}');
    expect((await again).status).toBe(200);
  });
});

describe('ids', () => {
  it('in flight are not taken twice, and free again afterwards', async () => {
    const first = client.call(1, 'shell__execute');
    const running = await relay.devices.next();
    const second = await client.call(1, 'shell__execute');
    expect(second.status).toBe(400);
    expect((await replyOf(second)).error.code).toBe(-32600);
    const text = client.call('1', 'shell__execute');
    (await relay.devices.next()).result('"string"');
    expect(await (await text).text()).toBe('{"jsonrpc":"2.0","id":"1","result":"string"}');
    running.result('"number"');
    expect(await (await first).text()).toBe('{"jsonrpc":"2.0","id":1,"result":"number"}');
    const again = client.call(1, 'shell__execute');
    (await relay.devices.next()).result('{}');
    expect((await again).status).toBe(200);
  });

  it('of two clients never mix', async () => {
    const other = await RawClient.ready(relay, '2025-11-25', { client: 'c2' });
    const answers = [client, other].map((one) => one.call(1, 'shell__execute', {}, { meta: { progressToken: 1 } }));
    const calls = [await relay.devices.next(), await relay.devices.next()];
    for (const one of calls) {
      one.progress(1, one.request.client.id);
      one.result(`"for ${one.request.client.id}"`);
    }
    for (const [index, answer] of answers.entries()) {
      const events = await new SseReader(await answer).rest();
      const texts = events.map(({ data }) => data).join('\n');
      expect(texts).toContain(`"for c${index + 1}"`);
      expect(texts).toContain(`"progressToken":"c${index + 1}"`);
      expect(texts).not.toContain(`c${2 - index}"`);
    }
  });
});

describe('notifications/cancelled', () => {
  const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5, reason: 'enough' } };

  it('§7.23 reaches the call, and nothing more is sent for it', async () => {
    const answer = client.call(5, 'shell__execute');
    const running = await relay.devices.next();
    expect((await client.post(cancelled)).status).toBe(202);
    expect(await running.cancellation()).toBe('enough');
    running.result('{"late":true}');
    const response = await answer;
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('');
  });

  it('ends an event stream without a response', async () => {
    const answer = client.call(5, 'shell__execute');
    const running = await relay.devices.next();
    running.progress(1);
    running.progress(2);
    const reader = new SseReader(await answer);
    await client.post(cancelled);
    running.progress(3);
    running.result('{"late":true}');
    const events = await reader.rest();
    expect(events.map(({ data }) => data).join('')).not.toMatch(/late|"progress":3/);
    for (const { id } of events) {
      const resumed = await client.send('GET', { headers: { 'Last-Event-ID': id ?? '' } });
      expect(resumed.status).toBe(204);
    }
  });

  it.each([{ requestId: 99 }, { requestId: '5' }, {}, undefined])('for %j does nothing', async (params) => {
    const answer = client.call(5, 'shell__execute');
    const running = await relay.devices.next();
    expect((await client.post({ ...cancelled, params })).status).toBe(202);
    expect(running.cancelled).toBeUndefined();
    running.result('{}');
    expect((await answer).status).toBe(200);
  });

  it('of another session of the same client does nothing', async () => {
    const answer = client.call(5, 'shell__execute');
    const running = await relay.devices.next();
    const other = await RawClient.ready(relay);
    await other.post(cancelled);
    expect(running.cancelled).toBeUndefined();
    running.result('{}');
    expect((await answer).status).toBe(200);
  });
});

describe('the end of a session', () => {
  it('cancels its calls', async () => {
    const answer = client.call(5, 'shell__execute');
    const running = await relay.devices.next();
    await client.send('DELETE');
    await running.cancellation();
    expect((await answer).status).toBe(202);
    const told = await relay.devices.next();
    expect(told.target).toEqual({ ...running.target, server: '' });
    expect(told.request.method).toBe('agent/end-session');
    expect(told.params).toBe(JSON.stringify({ session: running.request.client.session }));
    told.result('{}');
  });

  it('by revocation cancels the calls of that grant alone', async () => {
    const revoked = await RawClient.ready(relay, '2025-11-25', { grant: 'g9' });
    const answers = [revoked.call(1, 'shell__execute'), client.call(1, 'shell__execute')];
    const calls = [await relay.devices.next(), await relay.devices.next()];
    await relay.revocations.revoke('g9');
    const gone = calls.filter((one) => one.cancelled !== undefined);
    expect(gone).toHaveLength(1);
    for (const one of calls) one.result('{}');
    await Promise.all(answers);
    expect((await revoked.request(1, 'ping')).status).toBe(401);
  });
});
