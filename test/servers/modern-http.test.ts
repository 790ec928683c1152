import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { http, ready, textOf } from './harness.js';
import { type HttpFixture, sendEvents } from './http-fixture.js';
import { client, json } from './modern-harness.js';
import { modernHttp } from './modern-http-fixture.js';

const signal = new AbortController().signal;

const called = (fixture: HttpFixture, method = 'tools/call') =>
  fixture.seen.filter(({ body }) => body !== '' && JSON.parse(body).method === method);

describe('a request over modern HTTP', () => {
  it('§7.17 says in headers what it is', async () => {
    const fixture = await modernHttp();
    const { servers, call } = await ready({ one: http(fixture.url, { authorization: 'Bearer x' }) });
    expect(textOf(await call('one', 'plain'))).toBe('tools/call plain');
    const read = json({ uri: 'file:///ü' });
    await servers.request('one', 'resources/read', read, { signal, client: client() });
    await servers.request('one', 'prompts/get', json({ name: ' padded ' }), { signal });
    await servers.request('one', 'tasks/get', json({ taskId: 't-1' }), { signal });
    await servers.request('one', 'x/own', json({ name: 'no' }), { signal });
    const headers = fixture.seen.slice(2).map(({ headers: seen }) => [seen['mcp-method'], seen['mcp-name']]);
    expect(headers).toEqual([
      ['tools/call', 'plain'],
      ['resources/read', '=?base64?ZmlsZTovLy/DvA==?='],
      ['prompts/get', '=?base64?IHBhZGRlZCA=?='],
      ['tasks/get', 't-1'],
      ['x/own', undefined],
    ]);
    for (const { method, headers: seen } of fixture.seen) {
      expect(method).toBe('POST');
      expect(seen).toMatchObject({
        'mcp-protocol-version': '2026-07-28',
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        authorization: 'Bearer x',
      });
      expect(seen['mcp-session-id']).toBeUndefined();
    }
  });

  it('carries its parameters in the headers that the tool names', async () => {
    const fixture = await modernHttp();
    const { call } = await ready({ one: http(fixture.url) });
    await call('one', 'query', { region: '=?base64?literal?=', where: { limit: 42 } });
    await call('one', 'query', { region: null });
    const [both, none] = called(fixture).map(({ headers }) => headers);
    expect(both).toMatchObject({ 'mcp-param-region': '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=', 'mcp-param-limit': '42' });
    expect(Object.keys(none ?? {}).filter((name) => name.startsWith('mcp-param'))).toEqual([]);
  });

  it('is for no tool whose annotations are wrong', async () => {
    const fixture = await modernHttp();
    const { servers, warnings } = await ready({ one: http(fixture.url) });
    expect(servers.offer('one')?.tools.map(({ name }) => name)).toEqual(['query']);
    expect(warnings).toEqual([expect.stringContaining('left out tool "wrong"')]);
  });

  it('§7.17 is made once more where the tool wants other headers by now', async () => {
    const mismatch = { code: -32020, message: 'Mcp-Param-Zone' };
    let always = false;
    const fixture = await modernHttp((message, request, response) => {
      if (message.method !== 'tools/call' || (request.headers['mcp-param-zone'] !== undefined && !always)) return false;
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: mismatch }));
      return true;
    });
    const { call } = await ready({ one: http(fixture.url) });
    const properties = { region: { type: 'string', 'x-mcp-header': 'Zone' } };
    fixture.tools = [{ name: 'query', inputSchema: { type: 'object', properties } }];
    expect(textOf(await call('one', 'query', { region: 'eu' }))).toBe('tools/call query');
    expect(called(fixture).map(({ headers }) => headers['mcp-param-zone'])).toEqual([undefined, 'eu']);
    always = true;
    expect(await call('one', 'query', { region: 'eu' })).toEqual({ kind: 'error', error: mismatch });
    expect(called(fixture)).toHaveLength(4);
  });

  it('gets its result byte for byte, from a stream and from a body', async () => {
    const result = '{"n":123456789012345678901234567890,\t"f":1.0,"content":[]}';
    const fixture = await modernHttp((message, _request, response) => {
      if (message.method !== 'tools/call') return false;
      const body = `{"jsonrpc":"2.0","id":${message.id},"result":${result}}`;
      const stream = message.params?.name === 'stream';
      response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json; charset=utf-8' });
      response.end(stream ? `id: 1\nevent: message\ndata: ${body}\n\n` : body);
      return true;
    });
    const { call } = await ready({ one: http(fixture.url) });
    for (const name of ['stream', 'body']) {
      const outcome = await call('one', name);
      expect(outcome.kind === 'result' && Buffer.from(outcome.json).toString()).toBe(result);
    }
  });

  it('§7.35 hears what comes on its own stream, and nothing else', async () => {
    const fixture = await modernHttp((message, _request, response) => {
      if (message.method !== 'tools/call') return false;
      const notify = (method: string, params: object) => ({ jsonrpc: '2.0', method, params });
      sendEvents(
        response,
        notify('notifications/progress', { progressToken: message.id, progress: 1 }),
        notify('notifications/message', { level: 'info', data: message.params?.name }),
        notify('notifications/own', { a: 1 }),
        { jsonrpc: '2.0', id: 'ask', method: 'elicitation/create', params: {} },
        { jsonrpc: '2.0', id: message.id, result: { content: [] } },
      ).end();
      return true;
    });
    const { call, warnings } = await ready({ one: http(fixture.url) });
    const seen: unknown[] = [];
    const context = (name: string) => ({
      logLevel: 'info',
      onProgress: (params: object) => seen.push([name, params]),
      onLog: (params: Readonly<Record<string, unknown>>) => seen.push([name, params.data]),
      onNotification: (method: string, params: object) => seen.push([name, method, params]),
    });
    await Promise.all(['a', 'b'].map((name) => call('one', name, {}, context(name))));
    for (const name of ['a', 'b']) {
      expect(seen.filter((told) => Array.isArray(told) && told[0] === name)).toEqual([
        [name, { progress: 1 }],
        [name, name],
        [name, 'notifications/own', { a: 1 }],
      ]);
    }
    expect(warnings.filter((text) => text.includes('requests to the client'))).toHaveLength(1);
  });

  it('§7.23 is cancelled by closing its stream, without a message', async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const fixture = await modernHttp((message, _request, response) => {
      if (message.method !== 'tools/call') return false;
      sendEvents(response, { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: message.id } });
      response.on('close', () => closed?.());
      return true;
    });
    const { call } = await ready({ one: http(fixture.url) });
    const abort = new AbortController();
    const held = call('one', 'hold', {}, { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) });
    await expect(held).rejects.toThrow('enough');
    await gone;
    expect(fixture.posts('notifications/cancelled')).toEqual([]);
  });

  it.each([
    ['a stream that breaks', (response: ServerResponse) => void sendEvents(response, {}).destroy()],
    ['a stream that ends', (response: ServerResponse) => void sendEvents(response, {}).end()],
    ['a connection that breaks', (response: ServerResponse) => void response.destroy()],
    ['an empty answer', (response: ServerResponse) => void response.writeHead(202).end()],
    ['HTTP 500', (response: ServerResponse) => void response.writeHead(500).end('x')],
  ])('is lost with %s, and not made again', async (_what, end) => {
    const fixture = await modernHttp((message, _request, response) => {
      if (message.method !== 'tools/call') return false;
      end(response);
      return true;
    });
    const { call, servers } = await ready({ one: http(fixture.url) });
    await expect(call('one', 'x')).rejects.toMatchObject({ code: 'lost', dispatched: true });
    expect(called(fixture)).toHaveLength(1);
    expect(servers.states()[0]?.status).toBe('ready');
  });

  it('that the server refuses by a status has surely not run', async () => {
    const fixture = await modernHttp((message, _request, response) => {
      if (message.method !== 'tools/call') return false;
      response.writeHead(429).end('slow down');
      return true;
    });
    const { call } = await ready({ one: http(fixture.url) });
    await expect(call('one', 'x')).rejects.toMatchObject({ code: 'not_ready', dispatched: false });
  });

  it('may be too large to be answered', async () => {
    const fixture = await modernHttp((message, _request, response) => {
      if (message.method !== 'tools/call') return false;
      const answer = { jsonrpc: '2.0', id: message.id, result: { text: 'x'.repeat(200_000) } };
      if (message.params?.name === 'stream') sendEvents(response, answer).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      return true;
    });
    const { call } = await ready({ one: http(fixture.url) }, { messageBytes: 100_000 });
    for (const name of ['stream', 'body']) {
      await expect(call('one', name)).rejects.toMatchObject({ code: 'too_large' });
    }
  });

  it('follows a redirect to the same origin, and to no other', async () => {
    const other = await modernHttp();
    let target = '/elsewhere';
    const fixture = await modernHttp((_message, request, response) => {
      if (request.url === '/elsewhere') return false;
      response.writeHead(307, { location: target }).end();
      return true;
    });
    const { call } = await ready({ one: http(fixture.url, { 'x-key': 'secret' }) });
    expect(textOf(await call('one', 'x'))).toBe('tools/call x');
    target = other.url;
    await expect(call('one', 'x')).rejects.toMatchObject({ code: 'not_ready' });
    expect(other.seen).toEqual([]);
  });
});
