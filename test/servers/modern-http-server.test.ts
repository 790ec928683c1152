import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { atEnd, http, ready, resultOf, TestClock, textOf } from './harness.js';
import { HttpFixture, sendEvents } from './http-fixture.js';
import { client, json } from './modern-harness.js';
import { modernHttp } from './modern-http-fixture.js';

const signal = new AbortController().signal;
const KEY = (name: string) => `io.modelcontextprotocol/${name}`;

describe('a modern HTTP server', () => {
  it('that is gone is asked for again', async () => {
    const fixture = await modernHttp();
    const { port } = fixture;
    const clock = new TestClock();
    const { call, state } = await ready({ one: http(fixture.url) }, { clock, random: () => 0.999 });
    await fixture.close();
    // The first may be lost on a connection that was kept.
    await expect(call('one', 'x')).rejects.toThrow();
    await expect(call('one', 'x')).rejects.toMatchObject({ code: 'not_ready', dispatched: false });
    expect(await state(({ status }) => status === 'failed')).toMatchObject({ reason: 'unreachable' });
    await state(({ status }) => status === 'waiting');
    const again = await HttpFixture.start(port);
    atEnd(() => again.close());
    clock.fire(499);
    expect(await state(({ status, starts }) => status === 'ready' && starts === 2)).toMatchObject({
      protocolVersion: '2025-06-18', // it has been exchanged for an older one meanwhile
    });
  });

  it('§7.32 that was exchanged for an older one is found out', async () => {
    const fixture = await modernHttp();
    const { call, state } = await ready({ one: http(fixture.url) });
    fixture.unknownSession = { status: 400, body: 'Bad Request: no session' };
    fixture.intercept = () => false;
    await expect(call('one', 'x')).rejects.toMatchObject({ code: 'not_ready', dispatched: false });
    await state(({ status, starts }) => status === 'ready' && starts === 2);
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
  });

  it('may know some things and not others', async () => {
    const fixture = await modernHttp((message, _request, response) => {
      if (message.method !== 'x/own') return false;
      response.writeHead(404, { 'content-type': 'application/json' });
      const error = { code: -32601, message: 'Method not found' };
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }));
      return true;
    });
    const { call, servers } = await ready({ one: http(fixture.url) });
    const ask = (method: string) => servers.request('one', method, Buffer.alloc(0), { signal });
    expect(await ask('x/own')).toMatchObject({ kind: 'error', error: { code: -32601 } });
    expect(await ask('x/ü')).toMatchObject({ kind: 'error', error: { code: -32601 } });
    expect(textOf(await call('one', 'x'))).toBe('tools/call x');
    expect(servers.states()[0]).toMatchObject({ status: 'ready', starts: 1 });
  });

  it('tells of changes on a stream that is opened again when it breaks', async () => {
    const streams: ServerResponse[] = [];
    const fixture = await modernHttp(
      (message, _request, response) => {
        if (message.method !== 'subscriptions/listen') return false;
        const params = { notifications: message.params?.notifications, _meta: { [KEY('subscriptionId')]: message.id } };
        sendEvents(response, { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params });
        streams.push(response);
        return true;
      },
      { tools: { listChanged: true } },
    );
    const clock = new TestClock();
    const { catalog } = await ready({ one: http(fixture.url) }, { clock });
    expect(streams).toHaveLength(1);
    fixture.tools = [{ name: 'new', inputSchema: {} }];
    sendEvents(streams[0] as ServerResponse, {
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
      params: {},
    });
    expect(await catalog((offer) => offer?.tools[0]?.name === 'new')).toBeDefined();
    fixture.tools = [{ name: 'newer', inputSchema: {} }];
    streams[0]?.destroy();
    const timer = () => clock.waiting.find(({ ms }) => ms > 1_000 && ms < 2_000);
    await expect.poll(timer).toBeDefined();
    clock.fire(timer()?.ms ?? 0);
    expect(await catalog((offer) => offer?.tools[0]?.name === 'newer')).toBeDefined();
    expect(streams).toHaveLength(2);
  });

  it('gets a client’s listen on a stream of its own', async () => {
    const fixture = await modernHttp((message, _request, response) => {
      if (message.method !== 'subscriptions/listen') return false;
      const _meta = { [KEY('subscriptionId')]: message.id };
      sendEvents(
        response,
        { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: {}, _meta } },
        { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', _meta } },
      ).end();
      return true;
    });
    const { servers } = await ready({ one: http(fixture.url) });
    const told: unknown[] = [];
    const params = json({ notifications: {}, _meta: { [KEY('subscriptionId')]: 'mine' } });
    const end = await servers.request('one', 'subscriptions/listen', params, {
      signal,
      client: client(),
      lasting: true,
      onNotification: (method, about) => told.push([method, about]),
    });
    const _meta = { [KEY('subscriptionId')]: 'mine' };
    expect(resultOf(end)).toEqual({ resultType: 'complete', _meta });
    expect(told).toEqual([['notifications/subscriptions/acknowledged', { notifications: {}, _meta }]]);
    expect(fixture.posts('subscriptions/listen').join()).not.toContain('mine');
  });
});
