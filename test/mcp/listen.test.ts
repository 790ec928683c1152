import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { RawClient, SseReader } from './raw-client.js';
import { exposed } from './test-devices.js';
import { startTestRelay, type TestRelay, type TestRelayOptions } from './test-relay.js';

const CHANGED = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';

let relay: TestRelay;
async function start(limits: TestRelayOptions['limits'] = {}): Promise<RawClient> {
  relay = await startTestRelay({ limits });
  relay.devices.setTools('u1', [exposed('u1', 'execute')], 'first');
  return RawClient.ready(relay);
}
afterEach(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

/** An open GET stream whose priming event has been read. */
async function listen(client: RawClient, options: Parameters<RawClient['send']>[1] = {}): Promise<SseReader> {
  const response = await client.send('GET', options);
  expect(response.status).toBe(200);
  const reader = new SseReader(response);
  expect(await reader.next()).toMatchObject({ data: '', retry: '2000' });
  return reader;
}

describe('the GET stream', () => {
  it('§7.27 tells of a list that has changed, once, and of nothing else', async () => {
    const client = await start();
    const reader = await listen(client);
    relay.devices.changed('u1');
    relay.devices.setTools('u1', [], 'second');
    relay.devices.changed('u1');
    expect((await reader.next())?.data).toBe(CHANGED);
    relay.devices.setTools('u1', [exposed('u1', 'execute')], 'first');
    expect((await reader.next())?.data).toBe(CHANGED);
    await client.send('DELETE');
    expect(await reader.rest()).toEqual([]);
  });

  it('tells at once what changed while nobody listened, but not what the client has listed since', async () => {
    const client = await start();
    relay.devices.setTools('u1', [], 'second');
    const reader = await listen(client);
    expect((await reader.next())?.data).toBe(CHANGED);
    await reader.cancel();
    relay.devices.setTools('u1', [], 'third');
    await client.request(1, 'tools/list');
    const later = await listen(client);
    await client.send('DELETE');
    expect(await later.rest()).toEqual([]);
  });

  it('has each message on one of a session’s streams', async () => {
    const client = await start();
    const readers = [await listen(client), await listen(client)];
    relay.devices.setTools('u1', [], 'second');
    await client.send('DELETE');
    const events = await Promise.all(readers.map((reader) => reader.rest()));
    expect(events.map((list) => list.length).sort()).toEqual([0, 1]);
  });

  it('§7.28 of another session or user hears of its own only', async () => {
    const client = await start();
    const second = await RawClient.ready(relay);
    const stranger = await RawClient.ready(relay, '2025-11-25', { user: 'u2' });
    const readers = [await listen(client), await listen(second), await listen(stranger)];
    relay.devices.setTools('u1', [], 'second');
    for (const one of [client, second, stranger]) await one.send('DELETE');
    const events = await Promise.all(readers.map((reader) => reader.rest()));
    expect(events.map((list) => list.length)).toEqual([1, 1, 0]);
  });

  it('never carries a response or a call’s notifications', async () => {
    const client = await start();
    const reader = await listen(client);
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    call.progress(1);
    call.result('{}');
    await (await answer).text();
    await client.send('DELETE');
    expect(await reader.rest()).toEqual([]);
  });

  it('keeps itself open with comments', async () => {
    const client = await start({ keepaliveSeconds: 0.02 });
    const reader = await listen(client);
    await reader.comment();
    await reader.comment();
  });

  it('is not primed before 2025-11-25', async () => {
    await start();
    const client = await RawClient.ready(relay, '2025-06-18');
    const reader = new SseReader(await client.send('GET'));
    relay.devices.setTools('u1', [], 'second');
    expect(await reader.next()).toEqual({ data: CHANGED });
  });

  it('is limited for each client, and free again when one has gone', async () => {
    const client = await start({ streamsPerClient: 2 });
    const first = await listen(client);
    await listen(client);
    const refused = await client.send('GET');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('30');
    const other = await RawClient.ready(relay, '2025-11-25', { client: 'c2' });
    await listen(other);
    await first.cancel();
    while (relay.devices.listenersOf('u1') > 2) await new Promise((resolve) => setImmediate(resolve));
    await listen(client);
  });

  it('ends when its grant is revoked, and no other', async () => {
    const client = await start();
    const other = await RawClient.ready(relay, '2025-11-25', { grant: 'g2' });
    const readers = [await listen(client), await listen(other)];
    await relay.revocations.revoke('g1');
    expect(await readers[0]?.rest()).toEqual([]);
    relay.devices.setTools('u1', [], 'second');
    expect((await readers[1]?.next())?.data).toBe(CHANGED);
  });

  it('ends when its token does', async () => {
    await start();
    const client = await RawClient.ready(relay, '2025-11-25', { seconds: 1 });
    expect(await (await listen(client)).rest()).toEqual([]);
  });

  it('ends gracefully when the relay drains, and lets go of its subscription', async () => {
    const client = await start();
    const reader = await listen(client);
    relay.draining.begin();
    const refused = await client.send('GET');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('5');
    await relay.draining.end();
    expect(await reader.rest()).toEqual([]);
    while (relay.devices.listenersOf('u1') > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('that a client drops leaves nothing behind', async () => {
    const client = await start();
    const sent = request(client.url, {
      headers: {
        Authorization: `Bearer ${client.token}`,
        'Mcp-Session-Id': client.session,
        Accept: 'text/event-stream',
      },
    }).end();
    await once(sent, 'response');
    expect(relay.devices.listenersOf('u1')).toBe(1);
    sent.destroy();
    while (relay.devices.listenersOf('u1') > 0) await new Promise((resolve) => setImmediate(resolve));
    relay.devices.setTools('u1', [], 'second');
    expect((await client.request(1, 'ping')).status).toBe(200);
  });
});

describe('draining', () => {
  it('refuses new calls as safe to retry, lets running ones end, and still shows the status', async () => {
    await start();
    const client = await RawClient.ready(relay, '2025-11-25', { scope: 'mcp mcp:manage' });
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    relay.draining.begin();
    for (const name of ['shell__execute', 'restart']) {
      expect(await (await client.call(2, name)).text()).toMatch(/not dispatched: safe to retry.*"isError":true/);
    }
    expect(relay.devices.waiting).toBe(0);
    expect(await (await client.call(3, 'status')).text()).not.toContain('isError');
    call.result('{"done":1}');
    expect(await (await answer).text()).toContain('{"done":1}');
  });
});
