import { describe, expect, it } from 'vitest';
import { fill } from './endpoint-devices.js';
import { ModernClient } from './modern-client.js';
import { type RpcReply, replyIn, SseReader } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
let client: ModernClient;
let server: ModernClient;
relayOfEachTest(async (started) => {
  relay = started;
  client = await ModernClient.of(relay);
  server = await ModernClient.of(relay, '/laptop/shell');
});

describe('progress (§7.24)', () => {
  it('turns the answer into a stream of events without ids, the response last', async () => {
    const answer = client.call(1, 'shell__execute', {}, { meta: { progressToken: 'p' } });
    const call = await relay.devices.next();
    call.progress(1);
    const response = await answer;
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const reader = new SseReader(response);
    const first = await reader.next();
    expect(first).not.toHaveProperty('id');
    expect(first?.data).toBe(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}',
    );
    call.progress(2);
    call.result('{"resultType":"complete"}');
    call.progress(3);
    const rest = await reader.rest();
    expect(rest.map(({ data }) => data)).toEqual([
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":2}}',
      '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}}',
    ]);
  });

  it('goes on the stream of its own request, though two clients have the same token and id', async () => {
    const other = await ModernClient.of(relay, '', { client: 'c2' });
    const answers = [client, other].map((one) => one.call(1, 'shell__execute', {}, { meta: { progressToken: 'p' } }));
    const calls = [await relay.devices.next(), await relay.devices.next()];
    const byClient = new Map(calls.map((call) => [call.request.client.id, call]));
    byClient.get('c1')?.progress(1);
    byClient.get('c2')?.progress(2);
    for (const call of calls) call.result(JSON.stringify({ of: call.request.client.id }));
    for (const [index, expected] of ['c1', 'c2'].entries()) {
      const [progress, result] = await new SseReader(await (answers[index] ?? Promise.reject())).rest();
      expect(progress?.data).toContain(`"progress":${index + 1}`);
      expect(result?.data).toContain(`"of":"${expected}"`);
    }
  });

  it('a silent call becomes a stream that is kept alive', async () => {
    await using slow = await startTestRelay({ limits: { silentSeconds: 0.02, keepaliveSeconds: 0.02 } });
    fill(slow.devices);
    const answer = (await ModernClient.of(slow)).call(1, 'shell__execute');
    const call = await slow.devices.next();
    const reader = new SseReader(await answer);
    await reader.comment();
    call.result('{}');
    expect(replyIn((await reader.rest()).at(-1)).id).toBe(1);
  });

  it('a client that takes no streams gets the result alone', async () => {
    const answer = client.call(1, 'shell__execute', {}, { accept: 'application/json', meta: { progressToken: 'p' } });
    const call = await relay.devices.next();
    call.progress(1);
    call.result('{}');
    expect(await (await answer).text()).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
  });

  it('a client that takes only streams gets errors that have an HTTP status as JSON', async () => {
    const listed = await client.request(1, 'tools/list', {}, { accept: 'text/event-stream' });
    expect(listed.headers.get('content-type')).toBe('text/event-stream');
    expect(await new SseReader(listed).rest()).toHaveLength(1);
    const answer = server.request(2, 'acme/x', {}, { accept: 'text/event-stream' });
    (await relay.devices.next()).error({ code: -32601, message: 'no' });
    expect((await answer).status).toBe(404);
    expect(await (await answer).json()).toMatchObject({ id: 2, error: { code: -32601 } });
  });

  it.each(['as JSON', 'on a stream'])(
    'a large result comes in parts, no faster than the client reads, %s',
    async (how) => {
      const answer = client.call(1, 'shell__execute', {}, { meta: { progressToken: 'p' } });
      const call = await relay.devices.next();
      if (how === 'on a stream') call.progress(1);
      const before = call.consumedBytes;
      const part = Buffer.from(JSON.stringify('x'.repeat(100_000)));
      call.sink.piece('result', Buffer.from('['), false);
      for (let count = 0; count < 40; count += 1) {
        call.sink.piece('result', Buffer.concat([part, Buffer.from(',')]), false);
      }
      call.sink.piece('result', Buffer.from('null]'), true);
      const all = 40 * (part.length + 1) + 6;
      expect(call.consumedBytes).toBeLessThan(before + all);
      const response = await answer;
      const reply =
        how === 'on a stream'
          ? replyIn((await new SseReader(response).rest()).at(-1))
          : ((await response.json()) as RpcReply);
      expect(reply.result).toHaveLength(41);
      await call.consumption(before + all);
    },
  );

  it('a stream that breaks off ends with an error', async () => {
    const answer = client.call(1, 'shell__execute', {}, { meta: { progressToken: 'p' } });
    const call = await relay.devices.next();
    call.progress(1);
    call.sink.piece('result', Buffer.from('{"half":'), false);
    call.sink.fail({ code: 'lost', dispatched: true, message: 'Lost.' });
    const events = await new SseReader(await answer).rest();
    expect(replyIn(events.at(-1))).toMatchObject({
      id: 1,
      error: { code: -32603, message: 'Lost. (outcome unknown)' },
    });
  });
});

describe('cancellation (§7.23)', () => {
  it.each(['before anything was sent', 'on the stream'])('closing it cancels the call once, %s', async (when) => {
    const stop = new AbortController();
    const answer = client.call(1, 'shell__execute', {}, { signal: stop.signal, meta: { progressToken: 'p' } });
    const left = when === 'on the stream' ? undefined : expect(answer).rejects.toThrow();
    const call = await relay.devices.next();
    if (left === undefined) {
      call.progress(1);
      await new SseReader(await answer).next();
    }
    stop.abort();
    expect(await call.cancellation()).toBe('the client closed the stream');
    await left;
    call.progress(2);
    call.result('{}');
    expect(call.cancelled).toBe('the client closed the stream');
  });

  it('an answered call is not cancelled by the end of its stream', async () => {
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    call.result('{}');
    await (await answer).text();
    expect((await client.request(2, 'tools/list')).status).toBe(200);
    expect(call.cancelled).toBeUndefined();
  });

  it('notifications/cancelled cancels nothing here', async () => {
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    const params = { requestId: 1 };
    expect((await client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params })).status).toBe(202);
    call.result('{}');
    expect((await answer).status).toBe(200);
    expect(call.cancelled).toBeUndefined();
  });

  it('gives up a restart under way', async () => {
    const stop = new AbortController();
    const manager = await ModernClient.of(relay, '', { scope: 'mcp mcp:manage' });
    const answer = manager.call(1, 'restart', { device: 'laptop' }, { signal: stop.signal });
    const left = expect(answer).rejects.toThrow();
    const call = await relay.devices.next();
    expect(call.request.method).toBe('agent/restart');
    stop.abort();
    await call.cancellation();
    await left;
  });
});
