import { describe, expect, it } from 'vitest';
import { capable, ModernClient, PREFIX } from './modern-client.js';
import { RawClient, replyOf } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import { exposedPrompt } from './test-devices.js';
import type { TestRelay } from './test-relay.js';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';

let relay: TestRelay;
let client: ModernClient;
let server: ModernClient;
relayOfEachTest(async (started) => {
  relay = started;
  client = await ModernClient.of(relay);
  server = await ModernClient.of(relay, '/laptop/shell');
});

describe('a call of the stateless revision', () => {
  it('takes the request’s own client to the server, and nothing of another request', async () => {
    const meta = {
      ...capable({ elicitation: { form: {} }, extensions: { 'io.modelcontextprotocol/ui': {}, 'acme/x': {} } }),
      [`${PREFIX}logLevel`]: 'warning',
      progressToken: 7,
      traceparent: TRACE,
    };
    const first = client.call(1, 'shell__execute', { a: 1 }, { meta });
    const call = await relay.devices.next();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(call.request).toMatchObject({
      method: 'tools/call',
      progressToken: 7,
      logLevel: 'warning',
      traceparent: TRACE,
      client: {
        era: 'modern',
        protocolVersion: '2026-07-28',
        endpoint: 'aggregate',
        id: 'c1',
        info: { name: 'raw', version: '1' },
        ask: 'mrtr',
        uriKey: 'laptop.shell',
        capabilities: { elicitation: { form: {} }, extensions: { 'io.modelcontextprotocol/ui': {} } },
      },
    });
    // Of extensions only those whose names are mapped where several servers share an endpoint.
    expect(call.request.client.capabilities.extensions).toEqual({ 'io.modelcontextprotocol/ui': {} });
    expect(JSON.parse(call.params)).toMatchObject({ name: 'execute', arguments: { a: 1 } });
    call.result('{"resultType":"complete","content":[]}');
    expect(await (await first).text()).toBe('{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[]}}');

    const second = client.call(2, 'shell__execute', {}, { headers: { traceparent: TRACE } });
    const next = await relay.devices.next();
    expect(next.request.client.capabilities).toEqual({});
    expect(next.request.logLevel).toBeUndefined();
    expect(next.request.progressToken).toBeUndefined();
    expect(next.request.traceparent).toBe(TRACE);
    expect(next.request.client.session).toBe(call.request.client.session);
    next.result('{}');
    await (await second).text();
  });

  it('is of one session for one user’s client alone', async () => {
    const sessions = new Set<string>();
    for (const principal of [{}, { client: 'c2' }, { user: 'u2' }]) {
      const one = await ModernClient.of(relay, '', principal);
      relay.devices.setTools('u2', relay.devices.tools('u1').tools);
      const answer = one.call(1, 'shell__execute');
      const call = await relay.devices.next();
      sessions.add(call.request.client.session);
      call.result('{}');
      await (await answer).text();
    }
    expect(sessions.size).toBe(3);
  });

  it('forwards to a transparent endpoint’s server what came, and answers what it said, byte for byte', async () => {
    const params = `{"name":"é","big":9007199254740993,"f":1.0e2 ,"inputResponses":{"k":{"action":"accept"}},"requestState":"s\\u00e9\\/","task":{"ttl":1},"_meta":{"${PREFIX}protocolVersion":"2026-07-28","${PREFIX}clientCapabilities":{"roots":{},"extensions":{"acme/x":{}}},"a/b":1}}`;
    const headers = {
      'MCP-Protocol-Version': '2026-07-28',
      'Mcp-Method': 'tools/call',
      'Mcp-Name': '=?base64?w6k=?=',
    };
    const answer = server.raw(
      `{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":${params}}`,
      headers,
    );
    const call = await relay.devices.next();
    expect(call.params).toBe(params);
    expect(call.request.client).toMatchObject({
      endpoint: 'server',
      capabilities: { roots: {}, extensions: { 'acme/x': {} } },
    });
    expect(call.request.client).not.toHaveProperty('uriKey');
    const result = '{"resultType":"input_required","n":1.0, "requestState":"\\u0041","n":9007199254740993}';
    call.result(result);
    expect(await (await answer).text()).toBe(`{"jsonrpc":"2.0","id":9007199254740993,"result":${result}}`);
  });

  it.each([
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'completion/complete',
    'acme/own',
  ])('%s is the server’s own to answer at its endpoint', async (method) => {
    const answer = server.reply(1, method, { cursor: '' });
    const call = await relay.devices.next();
    expect(call.request.method).toBe(method);
    call.result('{"resultType":"complete","ttlMs":5,"cacheScope":"private","nextCursor":""}');
    expect((await answer).result).toEqual({ resultType: 'complete', ttlMs: 5, cacheScope: 'private', nextCursor: '' });
  });

  it.each([
    ['prompts/get', { name: 'shell__greet' }, { name: 'greet' }],
    ['resources/read', { uri: 'laptop.shell+a:b' }, { uri: 'a:b' }],
    ['resources/read', { uri: 'ui://laptop.shell+x/y' }, { uri: 'ui://x/y' }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'shell__greet' } }, { ref: { name: 'greet' } }],
  ])('%s goes to the server that has it', async (method, params, forwarded) => {
    relay.devices.setPrompts('u1', [exposedPrompt('u1', 'greet')]);
    const answer = client.reply(1, method, params);
    const call = await relay.devices.next();
    expect(call.request).toMatchObject({ method, client: { uriKey: 'laptop.shell' } });
    expect(JSON.parse(call.params)).toMatchObject(forwarded);
    call.result('{"resultType":"complete"}');
    await answer;
  });

  it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])('%s goes to the server whose task it is', async (method) => {
    const meta = capable({ extensions: { 'io.modelcontextprotocol/tasks': {} } });
    const answer = client.reply(1, method, { taskId: 'laptop.shell+t/1' }, { meta });
    const call = await relay.devices.next();
    expect(call.request).toMatchObject({ method, client: { uriKey: 'laptop.shell' } });
    expect(JSON.parse(call.params)).toMatchObject({ taskId: 't/1' });
    call.result('{"resultType":"complete"}');
    await answer;
    expect((await client.reply(2, method, { taskId: 'laptop.other+t' }, { meta })).error.code).toBe(-32602);
    expect((await client.reply(3, method, { taskId: 't' }, { meta })).error.code).toBe(-32602);
  });

  it.each([
    ['tools/call', { name: 'nope' }, 'Unknown tool: nope'],
    ['prompts/get', { name: 'nope' }, 'Unknown prompt: nope'],
    ['resources/read', { uri: 'a:b' }, 'Resource not found: a:b'],
    ['tools/list', { cursor: '1.AAAAAAAAAAAAAAAAAAAAAA' }, 'cursor'],
    ['tools/list', { cursor: 7 }, 'cursor'],
  ])('%s with %j is wrong in-band', async (method, params, message) => {
    const response = await client.request('i', method, params);
    expect(response.status).toBe(200);
    const { id, error } = await replyOf(response);
    expect({ id, code: error.code }).toEqual({ id: 'i', code: -32602 });
    expect(error.message).toContain(message);
  });

  it('says which resource is not there', async () => {
    const response = await client.request(1, 'resources/read', { uri: 'laptop.gone+a:b' });
    expect(await response.json()).toMatchObject({ error: { code: -32602, data: { uri: 'laptop.gone+a:b' } } });
  });

  it.each([
    ['tool result', 'status', {}],
    ['tool error', 'restart', { stray: 1 }],
  ])('a %s of the relay’s own is whole, and says whose it is', async (_what, name, args) => {
    const manager = await ModernClient.of(relay, '', { scope: 'mcp mcp:manage' });
    const { result } = await manager.reply(1, 'tools/call', { name, arguments: args });
    expect(result).toMatchObject({
      resultType: 'complete',
      structuredContent: {},
      _meta: { [`${PREFIX}serverInfo`]: { name: 'mcp-local-tunnel', version: '0.0.1-test' } },
    });
  });

  it('a failure on the way is the model’s to read in a tool’s result, and an error of any other method', async () => {
    const failure = { code: 'lost', dispatched: true, message: 'Lost.' } as const;
    const tool = client.reply(1, 'tools/call', { name: 'shell__execute' });
    (await relay.devices.next()).sink.fail(failure);
    expect((await tool).result).toMatchObject({
      resultType: 'complete',
      isError: true,
      content: [{ text: 'Lost. (outcome unknown)' }],
    });
    const read = server.reply(2, 'resources/read', { uri: 'a:b' });
    (await relay.devices.next()).sink.fail(failure);
    expect((await read).error).toEqual({ code: -32603, message: 'Lost. (outcome unknown)' });
  });

  it('takes nothing new while the relay drains', async () => {
    relay.draining.begin();
    expect((await client.reply(1, 'tools/call', { name: 'shell__execute' })).result).toMatchObject({ isError: true });
    expect((await server.reply(2, 'prompts/list')).error).toMatchObject({
      code: -32603,
      message: expect.stringContaining('not dispatched'),
    });
    expect((await client.reply(3, 'tools/list')).result.tools.length).toBeGreaterThan(0);
  });

  it('a question within the call is refused: this client is asked by results', async () => {
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    call.ask(4, 'elicitation/create', { message: 'sure?' });
    expect(await call.answered()).toMatchObject([{ ask: 4, kind: 'error' }]);
    call.result('{}');
    const response = await answer;
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).not.toContain('sure?');
  });

  it('ends with its grant: the server is told, the client hears no more', async () => {
    const answer = client.call('i', 'shell__execute');
    const call = await relay.devices.next();
    await relay.revocations.revoke('g1');
    expect(await call.cancellation()).toBe('access was revoked');
    expect((await answer).status).toBe(401);
    call.result('{"secret":1}');
    expect(await (await answer).text()).not.toContain('secret');
  });

  it('that still runs when the relay has drained is told', async () => {
    const answer = client.call('i', 'shell__execute');
    await relay.devices.next();
    relay.draining.begin();
    await relay.draining.end();
    expect((await replyOf(await answer)).result).toMatchObject({ resultType: 'complete', isError: true });
  });

  it('is not one of a legacy session with the same id', async () => {
    const legacy = await RawClient.ready(relay);
    const old = legacy.call(1, 'shell__execute');
    const first = await relay.devices.next();
    const now = client.call(1, 'shell__execute');
    const second = await relay.devices.next();
    second.result('{"of":"modern"}');
    first.result('{"of":"legacy"}');
    expect(await (await now).text()).toContain('"of":"modern"');
    expect(await (await old).text()).toContain('"of":"legacy"');
  });
});

describe('log levels (§7.35)', () => {
  it.each(['loud', 7, '', null])('%j is none', async (level) => {
    const response = await client.request('i', 'tools/list', {}, { meta: { [`${PREFIX}logLevel`]: level } });
    expect(response.status).toBe(200);
    expect((await replyOf(response)).error.code).toBe(-32602);
  });

  it('a request without one asks for no log messages, whatever a session has set', async () => {
    const legacy = await RawClient.ready(relay);
    await legacy.request(1, 'logging/setLevel', { level: 'debug' });
    const answer = server.call(1, 'x');
    const call = await relay.devices.next();
    expect(call.request.logLevel).toBeUndefined();
    call.result('{}');
    await (await answer).text();
  });
});
