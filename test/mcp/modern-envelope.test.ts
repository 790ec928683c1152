import { describe, expect, it } from 'vitest';
import { headersOf, MISMATCH, ModernClient, PREFIX, TASK_CAPABLE, VERSION } from './modern-client.js';
import { refusal, replyOf } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import type { TestRelay } from './test-relay.js';

let relay: TestRelay;
let client: ModernClient;
relayOfEachTest(async (started) => {
  relay = started;
  relay.devices.answer = (call) => call.result('{"resultType":"complete"}');
  client = await ModernClient.of(relay);
});

describe('the envelope (§7.18)', () => {
  it.each([
    [[`${PREFIX}protocolVersion`]],
    [[`${PREFIX}clientCapabilities`]],
    [[`${PREFIX}protocolVersion`, `${PREFIX}clientCapabilities`]],
  ])('without %j is refused, and they are named', async (keys) => {
    const meta = Object.fromEntries(keys.map((key) => [key, undefined]));
    const response = await client.request('i', 'tools/list', {}, { meta });
    expect(response.status).toBe(400);
    const { id, error } = await replyOf(response);
    expect({ id, code: error.code }).toEqual({ id: 'i', code: -32602 });
    for (const key of keys) expect(error.message).toContain(key);
  });

  it.each([undefined, {}, { _meta: 1 }, { _meta: {} }])('params %j have none', async (params) => {
    const message = { jsonrpc: '2.0', id: 'i', method: 'tools/list', ...(params === undefined ? {} : { params }) };
    expect(await refusal(client.send(message))).toEqual({ status: 400, id: 'i', code: -32602 });
  });

  it.each([
    [`${PREFIX}protocolVersion`, 20260728],
    [`${PREFIX}clientCapabilities`, []],
    [`${PREFIX}clientCapabilities`, 'none'],
    [`${PREFIX}clientInfo`, 'me'],
  ])('%s may not be %j', async (key, value) => {
    const answer = client.request('i', 'tools/list', {}, { meta: { [key]: value } });
    expect(await refusal(answer)).toEqual({ status: 400, id: 'i', code: -32602 });
  });

  it('needs no clientInfo', async () => {
    const response = await client.request(1, 'tools/list', {}, { meta: { [`${PREFIX}clientInfo`]: undefined } });
    expect(response.status).toBe(200);
  });

  it.each(['1900-01-01', '2025-11-25', '2027-01-01', 'x'.repeat(100)])('of version %s is refused', async (version) => {
    const meta = { [`${PREFIX}protocolVersion`]: version };
    const response = await client.request(
      'i',
      'tools/list',
      {},
      { meta, headers: { 'MCP-Protocol-Version': version } },
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      id: 'i',
      error: {
        code: -32022,
        data: {
          supported: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
          requested: version.slice(0, 64),
        },
      },
    });
  });

  it('of another version than the header’s is a mismatch', async () => {
    const meta = { [`${PREFIX}protocolVersion`]: '1900-01-01' };
    expect(await refusal(client.request('i', 'tools/list', {}, { meta }))).toEqual(MISMATCH);
  });

  it('holds for its own request only', async () => {
    expect((await client.request(1, 'tools/list')).status).toBe(200);
    const message = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
    expect((await client.send(message)).status).toBe(400);
  });

  it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])('needs the tasks extension for %s', async (method) => {
    for (const at of ['', '/laptop', '/laptop/shell']) {
      const here = await ModernClient.of(relay, at);
      const response = await here.request('i', method, { taskId: 'laptop.shell+t' });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        id: 'i',
        error: {
          code: -32021,
          data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } },
        },
      });
      const declared = await here.request('i', method, { taskId: 'laptop.shell+t' }, { meta: TASK_CAPABLE });
      expect(declared.status).toBe(200);
    }
  });
});

describe('methods (§7.18)', () => {
  const GONE = [
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'tasks/list',
    'tasks/result',
  ];

  it.each(GONE)('%s is of other revisions, at every endpoint', async (method) => {
    for (const at of ['', '/laptop', '/laptop/shell']) {
      const here = await ModernClient.of(relay, at);
      const answer = here.request('i', method, { uri: 'a:b', level: 'info' }, { meta: TASK_CAPABLE });
      expect(await refusal(answer)).toEqual({ status: 404, id: 'i', code: -32601 });
    }
  });

  it.each(['acme/own', 'toString', 'agent/restart', 'x'.repeat(300)])('nobody knows %s', async (method) => {
    expect(await refusal(client.request('i', method))).toEqual({ status: 404, id: 'i', code: -32601 });
  });

  it('are the server’s to know at its own endpoint', async () => {
    const server = await ModernClient.of(relay, '/laptop/shell');
    expect((await server.request('i', 'acme/own')).status).toBe(200);
    relay.devices.answer = (call) => call.error({ code: -32601, message: 'Method not found', data: { x: 1 } });
    const response = await server.request('i', 'acme/other');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: -32601, data: { x: 1 } } });
    expect(await refusal(server.request('i', 'x'.repeat(300)))).toEqual({ status: 404, id: 'i', code: -32601 });
  });

  it.each([
    [-32021, 400],
    [-32020, 400],
    [-32022, 400],
    [-32602, 200],
    [-32603, 200],
    [-32000, 200],
    [-1, 200],
  ])('a server’s error %d comes with HTTP %d', async (code, status) => {
    relay.devices.answer = (call) => call.error({ code, message: 'm', data: { requiredCapabilities: {} } });
    const response = await client.call('i', 'shell__execute');
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ id: 'i', error: { code, message: 'm' } });
  });

  it('a body that is no message is refused with its id', async () => {
    const headers = headersOf({ method: 'tools/list' });
    for (const body of [
      { jsonrpc: '1.0', id: 'i', method: 'x' },
      { jsonrpc: '2.0', id: 'i', method: 7 },
    ]) {
      expect(await refusal(client.raw(JSON.stringify(body), headers))).toEqual({ status: 400, id: 'i', code: -32600 });
    }
    expect(await refusal(client.raw('{', headers))).toEqual({ status: 400, id: null, code: -32700 });
    expect(headers['MCP-Protocol-Version']).toBe(VERSION);
  });
});
