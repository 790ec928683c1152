import { describe, expect, it } from 'vitest';
import { devicesOfU1, EXPERIMENTAL, shell } from './endpoint-devices.js';
import { RawClient, replyOf, SseReader } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import type { TestRelay } from './test-relay.js';

let relay: TestRelay;
relayOfEachTest((started) => {
  relay = started;
});

const at = (path: string, version = '2025-11-25') => RawClient.ready(relay, version, {}, path);

describe('the endpoint of a server', () => {
  it.each(['2025-11-25', '2024-11-05'])('says of itself what the server says (%s)', async (version) => {
    const client = await RawClient.of(relay, {}, '/laptop/shell');
    const { body } = await client.initialize(version);
    expect(body.result).toEqual({
      protocolVersion: version,
      serverInfo:
        version === '2025-11-25' ? shell.serverInfo : { name: 'shell-server', version: '9.9.9', 'x-more': [1] },
      instructions: shell.instructions,
      capabilities: {
        tools: { listChanged: true, more: 1 },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true, more: 2 },
        completions: {},
        logging: {},
        experimental: EXPERIMENTAL,
        extensions: { 'io.modelcontextprotocol/ui': {} },
      },
    });
  });

  it.each([
    ['2025-11-25', '2025-11-25', 'legacy', true],
    ['2025-11-25', '2025-06-18', 'legacy', false],
    ['2025-06-18', '2025-11-25', 'legacy', false],
    ['2025-11-25', '2025-11-25', 'modern', false],
  ] as const)('speaks of tasks where both sides know the same (%s, server %s, %s)', async (...row) => {
    const [version, protocolVersion, era, known] = row;
    relay.devices.setViews('u1', devicesOfU1({ servers: [{ ...shell, protocolVersion, era }] }));
    const client = await RawClient.of(relay, {}, '/laptop/shell');
    const { body } = await client.initialize(version);
    expect(body.result.capabilities).toMatchObject(known ? { tasks: { list: {} } } : {});
    expect(Object.hasOwn(Object(body.result.capabilities), 'tasks')).toBe(known);
  });

  it.each([
    ['2025-11-25', ['description', 'icons', 'name', 'title', 'version', 'websiteUrl']],
    ['2025-06-18', ['name', 'title', 'version']],
    ['2025-03-26', ['name', 'version']],
  ])('tells %s of the server what that revision has', async (version, members) => {
    const serverInfo = { name: 'n', version: '1', title: 'T', description: 'd', websiteUrl: 'https://x', icons: [] };
    relay.devices.setViews('u1', devicesOfU1({ servers: [{ ...shell, serverInfo }] }));
    const client = await RawClient.of(relay, {}, '/laptop/shell');
    const { body } = await client.initialize(version);
    expect(Object.keys(Object(body.result.serverInfo)).sort()).toEqual(members);
  });

  it.each([
    'tools/call',
    'tools/list',
    'tasks/get',
    'tasks/result',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'prompts/list',
    'prompts/get',
    'completion/complete',
    'acme/anything at all',
    'agent/restart',
    'server/discover',
  ])('sends %s on as it came, and the answer back', async (method) => {
    const client = await at('/laptop/shell');
    const params =
      '{"uri": "file:///a", "cursor":"","name":"status","big":9007199254740993,"f":1.0e2,"name":"twice" ,"s":"\\u00e9\\/","_meta":{"a/b":1,"progressToken":"p"}}';
    const answer = client.post(`{"jsonrpc":"2.0","id":"i","method":${JSON.stringify(method)},"params":${params}}`);
    const call = await relay.devices.next();
    expect(call.params).toBe(params);
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(call.request).toMatchObject({
      method,
      progressToken: 'p',
      logLevel: 'info',
      client: { endpoint: 'server', era: 'legacy', protocolVersion: '2025-11-25' },
    });
    call.result('{"n":9007199254740993,"nextCursor":"theirs","n":1.0, "resultType":"x"}');
    expect(await (await answer).text()).toBe(
      '{"jsonrpc":"2.0","id":"i","result":{"n":9007199254740993,"nextCursor":"theirs","n":1.0, "resultType":"x"}}',
    );
  });

  it('sends a request without params on without params, and errors back as they are', async () => {
    const client = await at('/laptop/shell');
    const answer = client.post('{"jsonrpc":"2.0","id":1,"method":"resources/list"}');
    const call = await relay.devices.next();
    expect(call.params).toBe('');
    call.sink.piece('error', Buffer.from('{"code":-32002,"message":"no","data":{"uri":"a:b"},"x":1}'), true);
    expect(await (await answer).text()).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"no","data":{"uri":"a:b"},"x":1}}',
    );
  });

  it('sends a call on with what asks for a task: the agent knows what its server makes of it', async () => {
    const client = await at('/laptop/shell');
    const params = '{"name":"é","task":{"ttl":1}, "arguments":{"task": 1.0}}';
    const answer = client.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`);
    const call = await relay.devices.next();
    expect(call.params).toBe(params);
    call.result('{}');
    await (await answer).text();
  });

  it('answers itself what belongs to the session', async () => {
    const client = await at('/laptop/shell');
    expect((await replyOf(await client.request(1, 'ping'))).result).toEqual({});
    expect((await replyOf(await client.request(2, 'logging/setLevel', { level: 'error' }))).result).toEqual({});
    const answer = client.request(3, 'prompts/list');
    const call = await relay.devices.next();
    expect(call.request.logLevel).toBe('error');
    call.result('{}');
    await (await answer).text();
  });

  it.each(['subscriptions/listen', `x/${'y'.repeat(255)}`, 'é'.repeat(129)])('does not know %s', async (method) => {
    const client = await at('/laptop/shell');
    expect((await replyOf(await client.request(1, method, {}))).error.code).toBe(-32601);
  });

  it('cancels, and streams progress, whatever the method', async () => {
    const client = await at('/laptop/shell');
    const answer = client.request(7, 'resources/read', { uri: 'a:b', _meta: { progressToken: 1 } });
    const call = await relay.devices.next();
    call.progress(1, 1);
    const reader = new SseReader(await answer);
    await reader.next();
    expect((await reader.next())?.data).toContain('"progress":1');
    const params = { requestId: 7, reason: 'enough' };
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    expect(await call.cancellation()).toBe('enough');
    expect(await reader.rest()).toEqual([]);
  });

  it('tells a failure in a tool’s result, and of any other method as an error', async () => {
    const client = await at('/laptop/shell');
    const failure = { code: 'offline', dispatched: false, message: 'laptop is offline.' } as const;
    const told = 'laptop is offline. (not dispatched: safe to retry)';
    const tool = client.call(1, 'x');
    (await relay.devices.next()).sink.fail(failure);
    expect((await replyOf(await tool)).result).toEqual({ content: [{ type: 'text', text: told }], isError: true });
    const read = client.request(2, 'resources/read', { uri: 'a:b' });
    (await relay.devices.next()).sink.fail(failure);
    expect((await replyOf(await read)).error).toEqual({ code: -32603, message: told });
    const lost = client.request(3, 'acme/x');
    (await relay.devices.next()).sink.fail({ code: 'lost', dispatched: true, message: 'Lost.' });
    expect((await replyOf(await lost)).error).toEqual({ code: -32603, message: 'Lost. (outcome unknown)' });
  });

  it('takes nothing new while the relay drains', async () => {
    const client = await at('/laptop/shell');
    relay.draining.begin();
    expect((await replyOf(await client.request(1, 'prompts/list'))).error).toMatchObject({
      code: -32603,
      message: expect.stringContaining('not dispatched'),
    });
    expect((await replyOf(await client.call(2, 'x'))).result.isError).toBe(true);
  });

  it('opens from what is known while its device is away', async () => {
    relay.devices.setViews('u1', devicesOfU1({ presence: 'away' }));
    const client = await at('/laptop/shell');
    expect((await replyOf(await client.request(1, 'ping'))).result).toEqual({});
  });

  it('does not open before the server has been ready, and says why', async () => {
    const client = await RawClient.of(relay, {}, '/laptop/broken');
    const { response, body } = await client.initialize('2025-11-25');
    expect(response.headers.get('mcp-session-id')).toBeNull();
    expect(body.error.code).toBe(-32603);
    expect(body.error.message).toMatch(/broken on laptop .* waiting: .*not found.*not dispatched/);
  });

  it('keeps its sessions while the device is gone', async () => {
    const client = await at('/laptop/shell');
    relay.devices.setViews('u1', []);
    expect((await replyOf(await client.request(1, 'ping'))).result).toEqual({});
    expect((await replyOf(await client.request(4, 'tools/list'))).error.code).toBe(-32603);
    expect((await replyOf(await client.call(2, 'x'))).result).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('shell on laptop is not connected') }],
    });
    expect((await replyOf(await client.request(3, 'prompts/list'))).error.code).toBe(-32603);
    relay.devices.setViews('u1', devicesOfU1());
    const answer = client.request(5, 'tools/list');
    (await relay.devices.next()).result('{"tools":[]}');
    expect((await replyOf(await answer)).result).toEqual({ tools: [] });
  });

  it('takes batches', async () => {
    const client = await at('/laptop/shell', '2025-03-26');
    const answer = client.post([
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', id: 2, method: 'prompts/list' },
    ]);
    (await relay.devices.next()).result('{"prompts":[]}');
    expect(await (await answer).json()).toEqual([
      { jsonrpc: '2.0', id: 1, result: {} },
      { jsonrpc: '2.0', id: 2, result: { prompts: [] } },
    ]);
  });
});
