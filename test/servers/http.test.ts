import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { agentEnvironment } from '../../src/config/environment.js';
import { atEnd, harness, http, ready, resultOf, TestClock, textOf } from './harness.js';
import { HttpFixture, sendEvents } from './http-fixture.js';

async function fixture(port?: number): Promise<HttpFixture> {
  const server = await HttpFixture.start(port);
  atEnd(() => server.close());
  return server;
}

describe('Streamable HTTP', () => {
  it('sends the headers, the session and the version with everything, and ends the session', async () => {
    const server = await fixture();
    const { servers, call } = await ready({ one: http(server.url, { Authorization: 'Bearer mine', 'X-Own': '1' }) });
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
    await servers.close();
    const [probe, first, ...rest] = server.seen;
    expect(probe?.headers['mcp-protocol-version']).toBe('2026-07-28');
    expect(first?.headers['mcp-session-id']).toBeUndefined();
    for (const { headers } of server.seen)
      expect(headers).toMatchObject({ authorization: 'Bearer mine', 'x-own': '1' });
    for (const { headers } of rest) {
      expect(headers).toMatchObject({ 'mcp-session-id': 'session-1', 'mcp-protocol-version': '2025-06-18' });
    }
    expect(rest.map((request) => request.method)).toContain('GET');
    expect(rest.at(-1)?.method).toBe('DELETE');
  });

  it('sends params byte for byte', async () => {
    const server = await fixture();
    const { servers } = await ready({ one: http(server.url) });
    const params = '{"name":"echo",  "arguments":{"n":98765432109876543210,"f":1.50}}';
    await servers.request('one', 'tools/call', Buffer.from(params), { signal: new AbortController().signal });
    expect(server.posts('tools/call')[0]).toContain(`"params":${params}}`);
  });

  it('gives results byte for byte, as JSON and as events', async () => {
    const server = await fixture();
    const { call } = await ready({ one: http(server.url) });
    const result = '{"n":123456789012345678901234567890, "f":1.0,"content":[]}';
    server.intercept = ({ id, method, params }, _request, response) => {
      if (method !== 'tools/call') return false;
      const type = params?.name === 'json' ? 'application/json; charset=utf-8' : 'text/event-stream';
      const answer = `{"jsonrpc":"2.0","id":${id},"result":${result},"own":1}`;
      response.writeHead(200, { 'content-type': type }).end(params?.name === 'json' ? answer : `data: ${answer}\n\n`);
      return true;
    };
    for (const name of ['json', 'events']) {
      const outcome = await call('one', name);
      expect(outcome.kind === 'result' && Buffer.from(outcome.json).toString(), name).toBe(result);
    }
  });

  it('takes a broken stream up again where the server numbered its events', async () => {
    const server = await fixture();
    const { call } = await ready({ one: http(server.url) });
    let asked: number | undefined;
    server.intercept = ({ id, method }, request, response) => {
      if (method === 'tools/call') {
        asked = id;
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 5\nretry: 10\ndata:\n\n');
      } else if (request.headers['last-event-id'] === '5') {
        sendEvents(response, { jsonrpc: '2.0', id: asked, result: { resumed: true } }).end();
      } else return false;
      return true;
    };
    expect(resultOf(await call('one', 'echo'))).toEqual({ resumed: true });
  });

  it('follows list_changed on the GET stream', async () => {
    const server = await fixture();
    const { catalog } = await ready({ one: http(server.url) });
    server.tools = [{ name: 'new', inputSchema: {} }];
    const changed = catalog((offer) => offer?.tools[0]?.name === 'new');
    const look = setInterval(() => server.notify('notifications/tools/list_changed'), 20);
    atEnd(async () => clearInterval(look));
    expect(await changed).toBeDefined();
  });

  it.each([
    { status: 404, body: 'gone' },
    {
      status: 400,
      body: '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}',
    },
  ])('starts a new session when the server forgot it ($status), and the call never notices', async (unknownSession) => {
    const server = await fixture();
    const { call, servers, catalogs, states } = await ready({ one: http(server.url) });
    server.unknownSession = unknownSession;
    server.forgetSessions();
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
    expect(servers.states()[0]).toMatchObject({ status: 'ready', starts: 2 });
    expect(catalogs).toHaveLength(1);
    expect(states.map((state) => state.status)).not.toContain('failed');
  });

  it('cancels at the server', async () => {
    const server = await fixture();
    const { call } = await ready({ one: http(server.url) });
    const stop = new AbortController();
    server.intercept = (message, _request, response) => {
      if (message.params?.name !== 'hang') return false;
      sendEvents(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } });
      return true;
    };
    const hanging = call('one', 'hang', {}, { signal: stop.signal, onLog: () => stop.abort(new Error('left')) });
    await expect(hanging).rejects.toThrow('left');
    await call('one', 'echo');
    const { id } = JSON.parse(server.posts('tools/call')[0] ?? '{}');
    expect(server.posts('notifications/cancelled').map((body) => JSON.parse(body).params.requestId)).toEqual([id]);
  });

  it('knows of which call a log line is', async () => {
    const server = await fixture();
    const { call } = await ready({ one: http(server.url) });
    const open: (() => void)[] = [];
    server.intercept = (message, _request, response) => {
      if (message.method !== 'tools/call') return false;
      const { id, params } = message;
      open.push(() => {
        const line = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: params?.name } };
        sendEvents(response, line, { jsonrpc: '2.0', id, result: {} }).end();
      });
      if (open.length === 2) for (const answer of open) answer();
      return true;
    };
    const lines: string[] = [];
    const log = (call: string) => ({ onLog: (params: { data?: unknown }) => lines.push(`${call}: ${params.data}`) });
    await Promise.all([call('one', 'a', {}, log('first')), call('one', 'b', {}, log('second'))]);
    expect(lines.sort()).toEqual(['first: a', 'second: b']);
  });

  it('fails a call whose stream ends or breaks without an answer, and no other', async () => {
    const server = await fixture();
    const { call, servers } = await ready({ one: http(server.url) });
    server.intercept = (message, request, response) => {
      if (message.params?.name === 'ends') sendEvents(response).end();
      else if (message.params?.name === 'breaks') sendEvents(response, { jsonrpc: '2.0', method: 'x' }).destroy();
      else if (message.params?.name === 'cut') request.socket.destroy();
      else if (message.params?.name === 'nothing') response.writeHead(202).end();
      else if (message.params?.name === 'broken') response.writeHead(500).end();
      else if (message.params?.name === 'refused') response.writeHead(403).end();
      else return false;
      return true;
    };
    for (const name of ['ends', 'breaks', 'cut', 'nothing', 'broken']) {
      await expect(call('one', name), name).rejects.toMatchObject({ code: 'lost', dispatched: true });
    }
    await expect(call('one', 'refused')).rejects.toMatchObject({ code: 'not_ready', dispatched: false });
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
    expect(servers.states()[0]?.starts).toBe(1);
  });

  it('passes an error that comes with an HTTP error on', async () => {
    const server = await fixture();
    const { call } = await ready({ one: http(server.url) });
    server.intercept = ({ id, method }, _request, response) => {
      if (method !== 'tools/call') return false;
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32602, message: 'bad arguments' } }));
      return true;
    };
    expect(await call('one', 'echo')).toEqual({ kind: 'error', error: { code: -32602, message: 'bad arguments' } });
  });

  it('refuses an answer over the limit', async () => {
    const server = await fixture();
    const { call } = await ready({ one: http(server.url) }, { messageBytes: 100_000 });
    server.intercept = ({ id, params }, _request, response) => {
      const result = { text: 'x'.repeat(60_000), more: params?.name === 'two' ? 'y'.repeat(60_000) : '' };
      if (params?.name === 'json') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { text: 'x'.repeat(120_000) } }));
      } else if (params?.name === 'one') {
        const line = {
          jsonrpc: '2.0',
          method: 'notifications/message',
          params: { level: 'info', data: 'x'.repeat(60_000) },
        };
        sendEvents(response, line, { jsonrpc: '2.0', id, result }).end();
      } else if (params?.name === 'two') sendEvents(response, { jsonrpc: '2.0', id, result }).end();
      else return false;
      return true;
    };
    expect(resultOf(await call('one', 'one')).text).toHaveLength(60_000);
    await expect(call('one', 'two')).rejects.toMatchObject({ code: 'too_large' });
    await expect(call('one', 'json')).rejects.toMatchObject({ code: 'too_large' });
  });

  it.each([401, 403, 500])('does not take %i for an old server', async (status) => {
    const server = await fixture();
    server.intercept = (_message, _request, response) => Boolean(response.writeHead(status).end());
    const { state } = await ready({ one: http(server.url) });
    expect(await state((seen) => seen.status === 'failed')).toMatchObject({
      reason: status === 500 ? 'bad_protocol' : 'not_allowed',
      problem: expect.stringContaining(`answered HTTP ${status}`),
    });
    expect(server.seen.every((request) => request.method === 'POST')).toBe(true);
  });

  it('says so where there is no MCP at all', async () => {
    const server = await fixture();
    server.intercept = (_message, _request, response) => Boolean(response.writeHead(404).end());
    const port = await freePort();
    const { state } = await ready({ one: http(server.url), two: http(`http://127.0.0.1:${port}/mcp`) });
    const failed = (name: string) => state((seen) => seen.name === name && seen.status === 'failed');
    expect(await failed('one')).toMatchObject({
      reason: 'bad_protocol',
      problem: expect.stringContaining('is this the URL of the MCP endpoint?'),
    });
    expect(await failed('two')).toMatchObject({
      reason: 'unreachable',
      problem: `http://127.0.0.1:${port} cannot be reached: is the server running?`,
    });
  });

  it('carries its headers to no other origin', async () => {
    const other = await fixture();
    const server = await fixture();
    server.intercept = (_message, _request, response) =>
      Boolean(response.writeHead(307, { location: other.url }).end());
    const { state } = await ready({ one: http(server.url, { Authorization: 'Bearer canary' }) });
    expect((await state((seen) => seen.status === 'failed')).problem).toContain('not followed');
    expect(other.seen).toEqual([]);
  });

  it('goes through the proxy to other machines only', async () => {
    const server = await fixture();
    const targets: string[] = [];
    const proxy = createServer().listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    atEnd(() => new Promise((resolve) => proxy.close(resolve)));
    proxy.on('connect', (request, socket) => {
      targets.push(request.url ?? '');
      const onward = connect(server.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(onward).pipe(socket);
      });
      for (const end of [socket, onward]) end.on('error', () => undefined);
    });
    const { port } = proxy.address() as AddressInfo;
    const environment = agentEnvironment({ HTTP_PROXY: `http://127.0.0.1:${port}` });
    const servers = { far: http('http://mcp.example/mcp'), near: http(server.url) };
    const { servers: local } = await ready(servers, { environment });
    expect(local.states().map((state) => [state.status, state.problem])).toEqual([
      ['ready', undefined],
      ['ready', undefined],
    ]);
    await local.close();
    expect([...new Set(targets)]).toEqual(['mcp.example:80']);
  });

  it('finds a server that comes up later', async () => {
    const port = await freePort();
    const clock = new TestClock();
    const { servers, state } = harness({ one: http(`http://127.0.0.1:${port}/mcp`) }, { clock, random: () => 0.999 });
    servers.start();
    await state((seen) => seen.status === 'waiting');
    await fixture(port);
    clock.fire(499);
    expect(await state((seen) => seen.status === 'ready')).toMatchObject({ starts: 2, tools: 1 });
  });
});
