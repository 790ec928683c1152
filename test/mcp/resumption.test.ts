import { afterEach, describe, expect, it } from 'vitest';
import { RawClient, replyIn, SseReader } from './raw-client.js';
import type { TestCall } from './test-call.js';
import { exposed } from './test-devices.js';
import { startTestRelay, type TestRelay, type TestRelayOptions } from './test-relay.js';

let relay: TestRelay;
async function start(limits: TestRelayOptions['limits'] = {}): Promise<RawClient> {
  relay = await startTestRelay({ limits });
  relay.devices.setTools('u1', [exposed('u1', 'execute')]);
  return RawClient.ready(relay);
}
afterEach(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

/** A call whose client has seen one progress event and then lost the connection. */
async function cutOff(client: RawClient, id: unknown = 1): Promise<{ readonly call: TestCall; readonly last: string }> {
  const answer = client.call(id, 'shell__execute');
  const call = await relay.devices.next();
  call.progress(1);
  const reader = new SseReader(await answer);
  await reader.next();
  const last = (await reader.next())?.id ?? '';
  await reader.cancel();
  return { call, last };
}

function resume(client: RawClient, last: string): Promise<Response> {
  return client.send('GET', { headers: { 'Last-Event-ID': last } });
}

describe('a stream that broke off', () => {
  it('§7.23 goes on where it was, with what came meanwhile and what comes yet', async () => {
    const client = await start();
    const { call, last } = await cutOff(client);
    call.progress(2);
    const reader = new SseReader(await resume(client, last));
    expect((await reader.next())?.data).toContain('"progress":2');
    call.progress(3);
    expect((await reader.next())?.data).toContain('"progress":3');
    call.result('{"ok":1}');
    expect((await reader.rest()).map(({ data }) => data)).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"ok":1}}']);
    expect(call.cancelled).toBeUndefined();
  });

  it('§7.23 gives a result that came while nobody was there, also twice', async () => {
    const client = await start();
    const { call, last } = await cutOff(client);
    call.sink.piece('result', Buffer.from('{"a":'), false);
    call.sink.piece('result', Buffer.from('1}'), true);
    for (let time = 0; time < 2; time += 1) {
      const events = await new SseReader(await resume(client, last)).rest();
      expect(events.map(({ data }) => data)).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"a":1}}']);
      expect((await resume(client, events[0]?.id ?? '')).status).toBe(204);
    }
  });

  it('can be taken up from its priming event', async () => {
    const client = await start({ silentSeconds: 0.01 });
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    const reader = new SseReader(await answer);
    const priming = await reader.next();
    await reader.cancel();
    call.result('{}');
    const events = await new SseReader(await resume(client, priming?.id ?? '')).rest();
    expect(replyIn(events[0])).toMatchObject({ id: 1, result: {} });
  });

  it('taken up in the middle of a result gives all of it', async () => {
    const client = await start();
    const { call, last } = await cutOff(client);
    call.sink.piece('result', Buffer.from('{"a":'), false);
    const reader = new SseReader(await resume(client, last));
    call.sink.piece('result', Buffer.from('1}'), true);
    expect((await reader.rest()).map(({ data }) => data)).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"a":1}}']);
  });

  it('says that the tool ran when the result was too large to keep', async () => {
    const client = await start({ replayBytes: 1000 });
    const { call, last } = await cutOff(client, 'big');
    call.result(JSON.stringify({ text: 'x'.repeat(2000) }));
    expect(call.consumedBytes).toBeGreaterThan(2000);
    const events = await new SseReader(await resume(client, last)).rest();
    expect(replyIn(events[0])).toMatchObject({ id: 'big', error: { code: -32603 } });
    expect(replyIn(events[0]).error.message).toMatch(/tool ran.*too large/);
    expect((await resume(client, events[0]?.id ?? '')).status).toBe(204);
  });

  it('says so too while a result that is too large is still coming, and takes the rest of it', async () => {
    const client = await start({ replayBytes: 1000 });
    const { call, last } = await cutOff(client, 'big');
    call.sink.piece('result', Buffer.from(`"${'x'.repeat(2000)}`), false);
    const events = await new SseReader(await resume(client, last)).rest();
    expect(replyIn(events[0])).toMatchObject({ id: 'big', error: { code: -32603 } });
    const before = call.consumedBytes;
    call.sink.piece('result', Buffer.from('"'), true);
    expect(call.consumedBytes).toBe(before + 1);
    expect((await resume(client, events[0]?.id ?? '')).status).toBe(204);
  });

  it('loses old notifications before it loses its result', async () => {
    const client = await start({ replayBytes: 1000 });
    const { call, last } = await cutOff(client);
    for (let step = 2; step < 50; step += 1) call.progress(step);
    call.result('{"ok":1}');
    const events = await new SseReader(await resume(client, last)).rest();
    expect(events.length).toBeLessThan(20);
    expect(events.at(-1)?.data).toBe('{"jsonrpc":"2.0","id":1,"result":{"ok":1}}');
  });

  it('is not another call’s, another session’s or another user’s', async () => {
    const client = await start();
    const one = await cutOff(client, 1);
    const two = await cutOff(client, 2);
    one.call.result('"one"');
    two.call.result('"two"');
    const events = await new SseReader(await resume(client, two.last)).rest();
    expect(events.map(({ data }) => data)).toEqual(['{"jsonrpc":"2.0","id":2,"result":"two"}']);
    const other = await RawClient.ready(relay, '2025-11-25', { user: 'u2' });
    expect((await other.send('GET', { session: client.session, headers: { 'Last-Event-ID': two.last } })).status).toBe(
      404,
    );
    const foreign = await new SseReader(await resume(other, two.last)).rest();
    expect(replyIn(foreign[0]).error.message).toMatch(/outcome is unknown/);
  });

  it('of before a restart ends with an error for the request that waits', async () => {
    const client = await start();
    const { call, last } = await cutOff(client, 'waiting');
    call.result('{}');
    await using restarted = await startTestRelay({ secret: relay.secret, store: relay.store });
    const later = await RawClient.of(restarted);
    const resumeLater = (id: string) =>
      later.send('GET', { session: client.session, headers: { 'Last-Event-ID': id } });
    const response = await resumeLater(last);
    const [event] = await new SseReader(response).rest();
    expect(replyIn(event)).toMatchObject({ id: 'waiting', error: { code: -32603 } });
    expect((await resumeLater(event?.id ?? '')).status).toBe(204);
  });

  it('that nobody ever had is an ordinary GET stream', async () => {
    const client = await start();
    for (const id of ['garbage', '<script>', 'listen.0.']) {
      const response = await resume(client, id);
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      await response.body?.cancel();
    }
  });
});
