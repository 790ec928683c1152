import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient, replyOf } from './raw-client.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ limits: { requestBytes: 64 * 1024 } });
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

describe('a POST body', () => {
  it('over limits.requestBytes is 413, said in JSON-RPC', async () => {
    const client = await RawClient.ready(relay);
    for (const size of [64 * 1024, 100 * 1024, 1024 * 1024]) {
      const response = await client.request(1, 'ping', { filler: 'x'.repeat(size) });
      expect(response.status).toBe(413);
      expect((await replyOf(response)).error.message).toContain('limits.requestBytes');
    }
    expect((await client.request(1, 'ping')).status).toBe(200);
  });

  it('over it without a length is 413 too, before it has ended', async () => {
    const client = await RawClient.ready(relay);
    const headers = { Authorization: `Bearer ${client.token}`, 'Content-Type': 'application/json' };
    const endless = request(relay.url, { method: 'POST', headers });
    endless.on('error', () => {});
    endless.write(Buffer.alloc(200 * 1024, ' '));
    const [response] = await once(endless, 'response');
    expect(response.statusCode).toBe(413);
    endless.destroy();
  });

  it('under limits.requestBytes passes', async () => {
    const client = await RawClient.ready(relay);
    expect((await client.request(1, 'ping', { filler: 'x'.repeat(60 * 1024) })).status).toBe(200);
  });

  it('that breaks off midway leaves nothing behind', async () => {
    const client = await RawClient.ready(relay);
    const headers = {
      Authorization: `Bearer ${client.token}`,
      'Content-Type': 'application/json',
      'Content-Length': '1000',
    };
    const broken = request(relay.url, { method: 'POST', headers });
    await new Promise<void>((resolve) => {
      broken.on('error', () => resolve());
      broken.write('{"jsonrpc":', () => broken.destroy(new Error('gone')));
    });
    expect((await client.request(1, 'ping')).status).toBe(200);
  });

  it.each(['text/plain', 'application/jsonp', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
    'of type %s is 415',
    async (type) => {
      const client = await RawClient.ready(relay);
      expect((await client.post(ping, { headers: { 'Content-Type': type } })).status).toBe(415);
    },
  );

  it('may name a charset, not an encoding', async () => {
    const client = await RawClient.ready(relay);
    expect((await client.post(ping, { headers: { 'Content-Type': 'application/json; charset=utf-8' } })).status).toBe(
      200,
    );
    expect((await client.post(ping, { headers: { 'Content-Encoding': 'gzip' } })).status).toBe(415);
  });

  it.each([
    ['nothing', ''],
    ['half an object', '{"jsonrpc":"2.0"'],
    ['bytes that are not UTF-8', Uint8Array.from([0x22, 0xff, 0x22])],
    ['a byte order mark', '\ufeff{}'],
  ])('of %s is 400 with -32700', async (_what, body) => {
    const client = await RawClient.ready(relay);
    const response = await client.post(body);
    expect(response.status).toBe(400);
    expect((await replyOf(response)).error.code).toBe(-32700);
  });

  it.each([
    ['null', null],
    ['a number', 7],
    ['no version', { id: 1, method: 'ping' }],
    ['another version', { jsonrpc: '1.0', id: 1, method: 'ping' }],
    ['a method that is no string', { jsonrpc: '2.0', id: 1, method: 7 }],
    ['no method', { jsonrpc: '2.0', id: 1 }],
    ['an id of null', { jsonrpc: '2.0', id: null, method: 'ping' }],
    ['an id that is an object', { jsonrpc: '2.0', id: {}, method: 'ping' }],
    ['params that are an array', { jsonrpc: '2.0', id: 1, method: 'ping', params: [] }],
    ['an empty array', []],
  ])('that is %s is 400 with -32600', async (_what, message) => {
    const client = await RawClient.ready(relay);
    const response = await client.post(JSON.stringify(message));
    expect(response.status).toBe(400);
    expect((await replyOf(response)).error.code).toBe(-32600);
  });

  it('nested beyond reason is 400, and quick', async () => {
    const client = await RawClient.ready(relay);
    const deep = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`;
    const response = await client.post(deep);
    expect(response.status).toBe(400);
    expect((await replyOf(response)).error.code).toBe(-32600);
    const brackets = JSON.stringify({ ...ping, params: { text: '[{"\\'.repeat(1000) } });
    expect((await client.post(brackets)).status).toBe(200);
  });

  it('with __proto__ and constructor pollutes nothing', async () => {
    const client = await RawClient.of(relay);
    const evil = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const body = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":${evil},"clientInfo":${evil},"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}`;
    expect((await client.post(body)).status).toBe(200);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('may have top-level keys nobody knows', async () => {
    const client = await RawClient.ready(relay);
    expect(await (await client.post({ ...ping, extra: [1] })).json()).toMatchObject({ result: {} });
  });

  it('gets its id back as it was, also a string or a big integer', async () => {
    const client = await RawClient.ready(relay);
    for (const id of ['"a\\u0062"', '9007199254740993', '-5', '1.5', '""']) {
      const text = await (await client.post(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`)).text();
      expect(text).toBe(`{"jsonrpc":"2.0","id":${id === '"a\\u0062"' ? '"ab"' : id},"result":{}}`);
    }
  });
});

describe('Accept', () => {
  it.each(['application/json', 'application/json, text/event-stream', '*/*', 'application/*', null])(
    '%s gets JSON',
    async (accept) => {
      const client = await RawClient.ready(relay);
      const response = await client.post(ping, accept === null ? { headers: { Accept: '' } } : { accept });
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('content-length')).toBe(String((await response.text()).length));
    },
  );

  it('text/event-stream alone gets one event', async () => {
    const client = await RawClient.ready(relay);
    const response = await client.post(ping, { accept: 'text/event-stream' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(await response.text()).toBe('data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n');
  });

  it('that allows neither is 406', async () => {
    const client = await RawClient.ready(relay);
    expect((await client.post(ping, { accept: 'text/html' })).status).toBe(406);
    expect((await client.send('GET', { accept: 'application/json' })).status).toBe(406);
  });
});

describe('methods of HTTP', () => {
  it('GET and DELETE without a session are 405 and say what is allowed', async () => {
    const client = await RawClient.of(relay);
    for (const method of ['GET', 'DELETE']) {
      const response = await client.send(method);
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toContain('POST');
    }
  });

  it('HEAD is 200 without a body, and ends', async () => {
    const client = await RawClient.ready(relay);
    const response = await client.send('HEAD');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it.each(['PUT', 'PATCH'])('%s is 405', async (method) => {
    const response = await (await RawClient.of(relay)).send(method);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, GET, HEAD, DELETE, OPTIONS');
  });

  it('none goes without a token', async () => {
    for (const method of ['GET', 'POST', 'DELETE', 'HEAD', 'PUT']) {
      const response = await fetch(relay.url, { method });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('resource_metadata=');
      await response.text();
    }
  });
});

describe('CORS', () => {
  it('answers a preflight without a token', async () => {
    const response = await fetch(relay.url, { method: 'OPTIONS', headers: { Origin: 'https://app.example' } });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(response.headers.get('access-control-allow-methods')).toBe('POST, GET, DELETE');
    for (const name of ['Authorization', 'Mcp-Session-Id', 'MCP-Protocol-Version', 'Last-Event-ID']) {
      expect(response.headers.get('access-control-allow-headers')).toContain(name);
    }
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('shows a page the session id and the challenge, of a 401 too', async () => {
    const client = await RawClient.ready(relay);
    const answers = [
      await client.post(ping, { headers: { Origin: 'https://app.example' } }),
      await fetch(relay.url, { method: 'POST', headers: { Origin: 'https://app.example' } }),
    ];
    for (const response of answers) {
      expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example');
      expect(response.headers.get('access-control-expose-headers')).toBe('WWW-Authenticate, Mcp-Session-Id');
      await response.text();
    }
  });
});
