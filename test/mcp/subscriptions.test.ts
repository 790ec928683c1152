import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endSession } from './end-session.js';
import { devicesOfU1, fill } from './endpoint-devices.js';
import { RawClient, replyOf, SseReader } from './raw-client.js';
import type { TestCall } from './test-call.js';
import { MapStore, startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
let store: MapStore;
beforeEach(async () => {
  store = new MapStore();
  relay = await startTestRelay({ store });
  fill(relay.devices);
});
afterEach(async () => {
  expect(relay.log.errors).toEqual([]);
  expect(relay.devices.waiting).toBe(0);
  await relay[Symbol.asyncDispose]();
});

const at = (path: string, version = '2025-11-25') => RawClient.ready(relay, version, {}, path);
const URI = 'laptop.shell+file:///a';
const UPDATED = 'notifications/resources/updated';

/** Subscribes and gives the listening call it became. @param streaming its client has a GET stream */
async function subscribed(client: RawClient, uri: string, streaming = false): Promise<TestCall> {
  const answer = client.request(1, 'resources/subscribe', { uri });
  if (streaming) await listened();
  const call = await relay.devices.next();
  call.acknowledge({ resourceSubscriptions: [uri] });
  expect((await replyOf(await answer)).result).toEqual({});
  return call;
}

/** Takes the call that listens to what a server says outside of calls. */
async function listened(): Promise<void> {
  expect((await relay.devices.next()).params).toBe('{"notifications":{}}');
}

describe('resources/subscribe', () => {
  it('§7.29 listens at the server to that one URI, and is done when the server has agreed', async () => {
    const client = await at('');
    const call = await subscribed(client, URI);
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(call.request).toMatchObject({ method: 'subscriptions/listen', lasting: true });
    expect(JSON.parse(call.params)).toEqual({ notifications: { resourceSubscriptions: ['file:///a'] } });
    expect(call.request.client).toMatchObject({ era: 'legacy', ask: 'none', uriKey: 'laptop.shell' });
    expect([...store.entries.keys()]).toEqual([expect.stringMatching(/^subs:/)]);
    await endSession(client, relay.devices);
    expect(call.cancelled).toBeDefined();
    expect([...store.entries.keys()]).toEqual([expect.stringMatching(/^ended:/)]);
  });

  it('at a transparent endpoint takes the server’s own URIs', async () => {
    const client = await at('/laptop/shell');
    const call = await subscribed(client, 'file:///a');
    expect(JSON.parse(call.params)).toEqual({ notifications: { resourceSubscriptions: ['file:///a'] } });
    expect(call.request.client).not.toHaveProperty('uriKey');
    await endSession(client, relay.devices);
  });

  it('is refused as the server refuses it', async () => {
    const client = await at('');
    const answer = client.request(1, 'resources/subscribe', { uri: URI });
    (await relay.devices.next()).error({ code: -32601, message: 'Method not found', data: 1 });
    expect((await replyOf(await answer)).error).toEqual({ code: -32601, message: 'Method not found', data: 1 });
    const second = client.request(2, 'resources/subscribe', { uri: URI });
    const call = await relay.devices.next();
    call.acknowledge({});
    expect((await replyOf(await second)).error).toMatchObject({ code: -32602, data: { uri: URI } });
    expect(call.cancelled).toBeDefined();
    const third = client.request(3, 'resources/subscribe', { uri: URI });
    (await relay.devices.next()).sink.fail({ code: 'offline', dispatched: false, message: 'laptop is offline.' });
    expect((await replyOf(await third)).error).toMatchObject({ code: -32603 });
  });

  it.each([
    ['', { uri: 'a:b' }, -32002],
    ['', { uri: 7 }, -32602],
    ['/desk', { uri: URI }, -32002],
    ['/laptop/shell', {}, -32602],
  ])('at %j of %j leads nowhere', async (path, params, code) => {
    const client = await at(path);
    expect((await replyOf(await client.request(1, 'resources/subscribe', params))).error.code).toBe(code);
  });

  it('tells of updates on the GET stream, as they come from the agent', async () => {
    const client = await at('');
    const call = await subscribed(client, URI);
    const reader = new SseReader(await client.send('GET'));
    call.notify(UPDATED, { uri: URI, more: 1 });
    expect(await reader.message()).toEqual({ jsonrpc: '2.0', method: UPDATED, params: { uri: URI, more: 1 } });
    call.notify('notifications/tools/list_changed');
    call.notify(UPDATED, { uri: URI, more: 2 });
    expect(await reader.message()).toMatchObject({ params: { more: 2 } });
    expect(call.consumedBytes).toBeGreaterThan(0);
    await endSession(client, relay.devices);
    expect(await reader.rest()).toEqual([]);
  });

  it('keeps the latest update of each resource while there is no stream', async () => {
    const client = await at('');
    const [first, second] = [await subscribed(client, URI), await subscribed(client, 'laptop.shell+b:c')];
    for (const more of [1, 2]) first.notify(UPDATED, { uri: URI, more });
    second.notify(UPDATED, { uri: 'laptop.shell+b:c' });
    const reader = new SseReader(await client.send('GET'));
    expect(await reader.message()).toMatchObject({ params: { uri: URI, more: 2 } });
    expect(await reader.message()).toMatchObject({ params: { uri: 'laptop.shell+b:c' } });
    await endSession(client, relay.devices);
    expect(await reader.rest()).toEqual([]);
  });

  it('tells a client that does not keep up of the latest update only', async () => {
    const client = await at('');
    const call = await subscribed(client, URI);
    const headers = { Authorization: `Bearer ${client.token}`, 'Mcp-Session-Id': client.session };
    const sent = request(client.url, { headers }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    await listened();
    const fill = 'x'.repeat(2 ** 20);
    for (let count = 0; count < 60; count += 1) call.notify(UPDATED, { uri: URI, count, fill });
    let text = '';
    response.setEncoding('utf8');
    for await (const chunk of response) {
      text += String(chunk);
      if (text.includes('"count":59')) break;
    }
    expect(text.match(/"count":\d+/g)?.length).toBeLessThan(60);
    sent.destroy();
  });

  it('rests while its session is idle', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    try {
      await using quiet = await startTestRelay();
      fill(quiet.devices);
      const client = await RawClient.of(quiet, { seconds: 100_000 });
      await client.initialize('2025-11-25');
      const answer = client.request(1, 'resources/subscribe', { uri: URI });
      const call = await quiet.devices.next();
      call.acknowledge({ resourceSubscriptions: [URI] });
      await (await answer).text();
      vi.advanceTimersByTime(3_700_000);
      expect(call.cancelled).toBe('the session is idle');
      const ping = client.request(2, 'ping');
      expect((await quiet.devices.next()).params).toBe(call.params);
      expect((await ping).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with unsubscribe, which also takes what was not told yet', async () => {
    const client = await at('');
    const call = await subscribed(client, URI);
    call.notify(UPDATED, { uri: URI });
    expect((await replyOf(await client.request(2, 'resources/unsubscribe', { uri: URI }))).result).toEqual({});
    expect(await call.cancellation()).toBe('unsubscribed');
    call.notify(UPDATED, { uri: URI });
    const reader = new SseReader(await client.send('GET'));
    await reader.next();
    await endSession(client, relay.devices);
    expect(await reader.rest()).toEqual([]);
    const stranger = await at('');
    expect((await replyOf(await stranger.request(1, 'resources/unsubscribe', { uri: URI }))).result).toEqual({});
  });

  it('given again is one subscription', async () => {
    const client = await at('');
    const first = await subscribed(client, URI);
    const second = await subscribed(client, URI);
    expect(first.cancelled).toBeDefined();
    await client.request(2, 'resources/unsubscribe', { uri: URI });
    expect(second.cancelled).toBeDefined();
  });

  it('that the client cancels leaves nothing behind', async () => {
    const client = await at('');
    const answer = client.request(1, 'resources/subscribe', { uri: URI });
    const call = await relay.devices.next();
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    await call.cancellation();
    expect((await answer).status).toBe(202);
    call.acknowledge({ resourceSubscriptions: [URI] });
    expect([...store.entries.keys()]).toEqual([]);
  });

  it('is bounded for one session', async () => {
    relay.devices.answer = (call) => call.acknowledge({ resourceSubscriptions: ['x'] });
    const client = await at('');
    for (let count = 0; count < 256; count += 1) {
      const { result } = await replyOf(await client.request(count, 'resources/subscribe', { uri: `${URI}${count}` }));
      expect(result).toEqual({});
    }
    expect((await replyOf(await client.request(1, 'resources/subscribe', { uri: URI }))).error.code).toBe(-32602);
    expect((await replyOf(await client.request(1, 'resources/subscribe', { uri: `${URI}0` }))).result).toEqual({});
  });

  it('is of no resource whose URI has no end', async () => {
    const client = await at('');
    const uri = `${URI}${'x'.repeat(8192)}`;
    expect((await replyOf(await client.request(1, 'resources/subscribe', { uri }))).error.code).toBe(-32602);
  });

  it('keeps no more than a few megabytes of what servers say of updates', async () => {
    const client = await at('');
    const uris = Array.from({ length: 12 }, (_, index) => `${URI}${index}`);
    const fill = 'x'.repeat(2 ** 20);
    for (const uri of uris) (await subscribed(client, uri)).notify(UPDATED, { uri, fill });
    const reader = new SseReader(await client.send('GET'));
    const told = [];
    for (const _uri of uris) told.push((await reader.message()) as { params: { uri: string; fill?: string } });
    expect(told.map(({ params }) => params.uri)).toEqual(uris);
    expect(told.filter(({ params }) => params.fill !== undefined).length).toBeLessThan(6);
    await endSession(client, relay.devices);
  });

  it('§7.29 is taken up again when its server was lost, and says that something may have changed', async () => {
    const client = await at('');
    const reader = new SseReader(await client.send('GET'));
    const call = await subscribed(client, URI, true);
    relay.devices.setViews('u1', []);
    call.sink.fail({ code: 'lost', dispatched: true, message: 'Lost.' });
    relay.devices.setViews('u1', devicesOfU1());
    relay.devices.changed('u1');
    const again = await relay.devices.next();
    expect(again.params).toBe(call.params);
    again.acknowledge({ resourceSubscriptions: [URI] });
    expect(await reader.message()).toEqual({ jsonrpc: '2.0', method: UPDATED, params: { uri: URI } });
    call.notify(UPDATED, { uri: URI, late: 1 });
    again.notify(UPDATED, { uri: URI, late: 2 });
    expect(await reader.message()).toMatchObject({ params: { late: 2 } });
    await endSession(client, relay.devices);
  });

  it('§7.20 is taken up again after a restart of the relay, with the session', async () => {
    const client = await at('');
    await subscribed(client, URI);
    await subscribed(client, 'laptop.shell+b:c');
    const { secret, devices } = relay;
    await relay[Symbol.asyncDispose]();
    relay = await startTestRelay({ secret, store, devices });
    const later = await RawClient.of(relay);
    const ping = later.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session: client.session });
    const calls = [await devices.next(), await devices.next()];
    expect((await ping).status).toBe(200);
    expect(calls.map(({ params }) => JSON.parse(params) as unknown)).toEqual([
      { notifications: { resourceSubscriptions: ['file:///a'] } },
      { notifications: { resourceSubscriptions: ['b:c'] } },
    ]);
    for (const call of calls) call.acknowledge({ resourceSubscriptions: ['x'] });
    const reader = new SseReader(await later.send('GET', { session: client.session }));
    await listened();
    const events = [await reader.message(), await reader.message()];
    expect(events).toEqual([
      expect.objectContaining({ params: { uri: URI } }),
      expect.objectContaining({ params: { uri: 'laptop.shell+b:c' } }),
    ]);
  });

  it('§7.4 of another session hears nothing, and ends with its grant', async () => {
    const client = await at('');
    const other = await RawClient.ready(relay, '2025-11-25', { grant: 'g2' });
    const [own, theirs] = [await subscribed(client, URI), await subscribed(other, URI)];
    own.notify(UPDATED, { uri: URI });
    await relay.revocations.revoke('g1');
    expect(own.cancelled).toBe('access revoked');
    expect(theirs.cancelled).toBeUndefined();
    const reader = new SseReader(await other.send('GET'));
    await reader.next();
    await endSession(other, relay.devices);
    expect((await reader.rest()).filter(({ data }) => data.includes(UPDATED))).toEqual([]);
  });
});
