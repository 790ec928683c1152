import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceView, ServerView } from '../../src/relay/devices/types.js';
import { RawClient, replyOf, SseReader } from './raw-client.js';
import { exposed, laptop } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

const EXECUTE = {
  name: 'execute.now',
  title: 'Run',
  inputSchema: { type: 'object', properties: { x: { 'x-mcp-header': 'X' } }, anyOf: [{}] },
  outputSchema: { type: 'array' },
  icons: [{ src: 'http://localhost/i.png' }],
  _meta: { ui: { resourceUri: 'ui://shell/x' } },
  'vendor/new': [1, null, { deep: true }],
};
const EXPERIMENTAL = { 'acme/thing': { on: true } };

const shell: ServerView = {
  name: 'shell',
  status: 'ready',
  protocolVersion: '2025-06-18',
  serverInfo: { name: 'shell-server', version: '9.9.9', title: 'Shell', 'x-more': [1] },
  instructions: 'Use with care.\n# Really',
  capabilities: {
    tools: { listChanged: false, more: 1 },
    prompts: { listChanged: true },
    resources: { subscribe: true, listChanged: true, more: 2 },
    completions: {},
    logging: {},
    experimental: EXPERIMENTAL,
    extensions: { 'io.modelcontextprotocol/ui': {}, 'io.modelcontextprotocol/tasks': {} },
    tasks: { list: {} },
    sampling: {},
    strange: {},
  },
  tools: [
    { ...EXECUTE, execution: { taskSupport: 'required' } },
    { name: 'status', inputSchema: { type: 'object' } },
  ],
};
const plain: ServerView = {
  name: 'plain',
  status: 'ready',
  serverInfo: { name: 'p', version: '1' },
  capabilities: {},
  tools: [],
};
const broken: ServerView = { name: 'broken', status: 'waiting', reason: 'not_found', tools: [] };

function devicesOfU1(more: Partial<DeviceView> = {}): DeviceView[] {
  const desk = laptop({ id: 'device-2', name: 'desk', servers: [{ ...shell, tools: [] }] });
  return [desk, laptop({ servers: [shell, plain, broken], ...more })];
}

let relay: TestRelay;
beforeEach(async () => {
  relay = await startTestRelay();
  const onDesk = exposed('u1', 'lock');
  relay.devices.setTools('u1', [
    exposed('u1', 'execute'),
    { ...onDesk, deviceName: 'desk', target: { ...onDesk.target, deviceId: 'device-2' } },
  ]);
  relay.devices.setViews('u1', devicesOfU1());
  relay.devices.setViews('u2', [laptop({ id: 'device-3', name: 'phone' })]);
});
afterEach(async () => {
  expect(relay.log.errors).toEqual([]);
  expect(relay.devices.waiting).toBe(0);
  await relay[Symbol.asyncDispose]();
});

const at = (path: string, version = '2025-11-25') => RawClient.ready(relay, version, {}, path);

async function names(client: RawClient): Promise<unknown[]> {
  const { result } = await replyOf(await client.request(1, 'tools/list'));
  return result.tools.map(({ name }) => name);
}

describe('the endpoint of a server', () => {
  it.each(['2025-11-25', '2024-11-05'])('says of itself what the server says (%s)', async (version) => {
    const client = await RawClient.of(relay, {}, '/laptop/shell');
    const { body } = await client.initialize(version);
    expect(body.result).toEqual({
      protocolVersion: version,
      serverInfo: shell.serverInfo,
      instructions: shell.instructions,
      capabilities: {
        tools: { listChanged: true, more: 1 },
        prompts: {},
        resources: { more: 2 },
        completions: {},
        logging: {},
        experimental: EXPERIMENTAL,
        extensions: { 'io.modelcontextprotocol/ui': {} },
      },
    });
  });

  it.each(['2025-11-25', '2024-11-05'])('lists the server’s tools as they are, and no others (%s)', async (version) => {
    const client = await at('/laptop/shell', version);
    const text = await (await client.request(1, 'tools/list')).text();
    expect(text).toBe(
      `{"jsonrpc":"2.0","id":1,"result":{"tools":[${JSON.stringify(EXECUTE)},{"name":"status","inputSchema":{"type":"object"}}]}}`,
    );
  });

  it('pages them with cursors of the relay’s', async () => {
    await using small = await startTestRelay({ limits: { pageSize: 1 } });
    small.devices.setViews('u1', devicesOfU1());
    const client = await RawClient.ready(small, '2025-11-25', {}, '/laptop/shell');
    const first = await replyOf(await client.request(1, 'tools/list'));
    expect(first.result.tools.map(({ name }) => name)).toEqual(['execute.now']);
    const cursor = first.result.nextCursor;
    const second = await replyOf(await client.request(2, 'tools/list', { cursor }));
    expect(second.result).toEqual({ tools: [{ name: 'status', inputSchema: { type: 'object' } }] });
    expect((await replyOf(await client.request(3, 'tools/list', { cursor: 'x' }))).error.code).toBe(-32602);
  });

  it.each([
    'tools/call',
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

  it('sends a call on without what asks for a task', async () => {
    const client = await at('/laptop/shell');
    const answer = client.post(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"é","task":{"ttl":1}, "arguments":{"task": 1.0}}}',
    );
    const call = await relay.devices.next();
    expect(call.params).toBe('{"name":"é","arguments":{"task": 1.0}}');
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

  it.each(['resources/subscribe', 'resources/unsubscribe', 'tasks/get', 'tasks/result', `x/${'y'.repeat(255)}`])(
    'does not know %s',
    async (method) => {
      const client = await at('/laptop/shell');
      expect((await replyOf(await client.request(1, method, {}))).error.code).toBe(-32601);
    },
  );

  it('has no tools/list where the server has no tools', async () => {
    const client = await at('/laptop/plain');
    expect((await replyOf(await client.request(1, 'tools/list'))).error.code).toBe(-32601);
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
    expect(await names(client)).toEqual(['execute.now', 'status']);
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
    expect(await names(client)).toEqual([]);
    expect((await replyOf(await client.call(2, 'x'))).result).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('shell on laptop is not connected') }],
    });
    expect((await replyOf(await client.request(3, 'prompts/list'))).error.code).toBe(-32603);
    relay.devices.setViews('u1', devicesOfU1());
    expect(await names(client)).toEqual(['execute.now', 'status']);
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

describe('the endpoint of a device', () => {
  it('is the relay’s own, narrowed to that device', async () => {
    const client = await RawClient.of(relay, {}, '/laptop');
    const { body } = await client.initialize('2025-11-25');
    expect(body.result.serverInfo).toMatchObject({ name: 'mcp-local-tunnel' });
    expect(body.result.instructions).toContain('laptop/shell');
    expect(body.result.instructions).not.toContain('desk');
    expect(await names(client)).toEqual(['status', 'restart', 'shell__execute']);
    expect((await replyOf(await client.call(2, 'status'))).result.structuredContent).toMatchObject({
      devices: [{ name: 'laptop' }],
    });
    const answer = client.call(3, 'shell__execute');
    const call = await relay.devices.next();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(call.request.client.endpoint).toBe('device');
    expect(call.params).toBe('{"name":"execute","arguments":{}}');
    call.result('{}');
    await (await answer).text();
    expect((await replyOf(await client.call(4, 'shell__lock'))).error.message).toBe('Unknown tool: shell__lock');
    expect((await replyOf(await client.request(5, 'prompts/list'))).error.code).toBe(-32601);
  });

  it('restarts no server of another device', async () => {
    const client = await at('/laptop');
    const other = await replyOf(await client.call(1, 'restart', { device: 'desk' }));
    expect(other.result).toMatchObject({ isError: true, content: [{ text: 'Unknown device "desk". Known: laptop.' }] });
    const answer = client.call(2, 'restart');
    const call = await relay.devices.next();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: '' });
    call.result('{"servers":[]}');
    await (await answer).text();
  });

  it('keeps its sessions while the device is gone', async () => {
    const client = await at('/laptop');
    relay.devices.setViews('u1', []);
    expect(await names(client)).toEqual(['status', 'restart']);
    expect((await replyOf(await client.call(1, 'shell__execute'))).error.code).toBe(-32602);
  });
});

describe('tokens', () => {
  it.each([
    ['', '/laptop', 200],
    ['', '/laptop/shell', 200],
    ['/laptop', '/laptop', 200],
    ['/laptop', '/laptop/shell', 200],
    ['/laptop/shell', '/laptop/shell', 200],
    ['/laptop', '', 401],
    ['/laptop', '/desk', 401],
    ['/laptop', '/desk/shell', 401],
    ['/laptop/shell', '/laptop', 401],
    ['/laptop/shell', '/laptop/plain', 401],
    ['/lap', '/laptop', 401],
  ])('one for /mcp%s at /mcp%s: %i', async (path, endpoint, status) => {
    const client = await RawClient.of(relay, { path }, endpoint);
    const params = { protocolVersion: '2025-11-25', capabilities: {} };
    const response = await client.post({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    expect(response.status).toBe(status);
  });

  it.each(['', '/laptop', '/laptop/shell', '/nobody/has-this'])('are asked for by /mcp%s itself', async (path) => {
    const response = await fetch(`${relay.url}${path}`, { method: 'POST' });
    expect(response.status).toBe(401);
    const metadata = `http://relay.test/.well-known/oauth-protected-resource/mcp${path}`;
    expect(response.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${metadata}", scope="mcp"`);
  });

  it('may come from a page in a browser', async () => {
    const response = await fetch(`${relay.url}/laptop/shell`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://a.example' },
    });
    expect(response.status).toBe(204);
  });
});

describe('an endpoint that is not there', () => {
  const INITIALIZE = { jsonrpc: '2.0', id: 5, method: 'initialize', params: { protocolVersion: '2025-11-25' } };
  const ALL = '/mcp/desk, /mcp/desk/shell, /mcp/laptop, /mcp/laptop/broken, /mcp/laptop/plain, /mcp/laptop/shell';

  it.each(['/phone', '/phone/shell', '/nobody', '/Laptop', '/laptop/Shell', '/laptop/none', '/status', '/restart'])(
    '%s is 404 and says what is',
    async (path) => {
      const client = await RawClient.of(relay, {}, path);
      const response = await client.post(INITIALIZE);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        jsonrpc: '2.0',
        id: 5,
        error: {
          code: -32600,
          message: `There is nothing at /mcp${path}. You have: ${ALL}. A device is there while its agent runs: npx -y mcp-local-tunnel agent`,
        },
      });
      for (const method of ['GET', 'DELETE', 'HEAD']) expect((await client.send(method)).status).toBe(404);
      expect((await client.request(1, 'ping')).status).toBe(404);
    },
  );

  it('is named with others only where the token opens them', async () => {
    const client = await RawClient.of(relay, { path: '/laptop' }, '/laptop/none');
    const { error } = await replyOf(await client.post(INITIALIZE));
    expect(error.message).toContain('You have: /mcp/laptop, /mcp/laptop/broken, /mcp/laptop/plain, /mcp/laptop/shell.');
    const stranger = await RawClient.of(relay, { user: 'u3' }, '/laptop');
    const answer = await replyOf(await stranger.post(INITIALIZE));
    expect(answer.error.message).toContain('No device that your login opens is connected');
  });

  it.each([
    ['/%6captop', 404],
    ['/laptop%2Fshell', 404],
    ['/laptop/shell/more', 404],
    ['/..%2f', 404],
    ['/lap top', 404],
    ['//laptop', 404],
    ['/laptop/%00', 404],
    ['/MCP', 404],
    ['/%', 400],
  ])('%s is no path of any: %i', async (path, status) => {
    const client = await RawClient.of(relay, {}, path);
    expect((await client.post(INITIALIZE)).status).toBe(status);
  });

  it('forgives a slash at its end', async () => {
    const client = await RawClient.of(relay, {}, '/laptop/shell/');
    expect((await client.initialize('2025-11-25')).body.result.serverInfo).toEqual(shell.serverInfo);
  });
});

describe('a session', () => {
  it('is of use at its own endpoint only', async () => {
    const { session } = await at('/laptop');
    for (const path of ['', '/desk', '/laptop/shell']) {
      const client = await RawClient.of(relay, {}, path);
      expect((await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).status).toBe(404);
    }
  });

  it.each([
    ['/laptop/shell', [{ ...shell, tools: [] }, plain, broken]],
    ['/laptop/shell', [{ ...shell, tools: [...shell.tools].reverse() }, plain, broken]],
  ])('at %s hears of its own list and of no other', async (path, servers) => {
    const client = await at(path);
    const reader = new SseReader(await client.send('GET'));
    await reader.next();
    // What others list is no news here, nor is the same said again.
    relay.devices.setTools('u1', []);
    relay.devices.setViews('u1', devicesOfU1({ servers: [{ ...shell, status: 'waiting', tools: [...shell.tools] }] }));
    relay.devices.changed('u1');
    relay.devices.setViews('u1', devicesOfU1({ servers }));
    relay.devices.changed('u1');
    expect((await reader.next())?.data).toContain('notifications/tools/list_changed');
    await client.send('DELETE');
    expect(await reader.rest()).toEqual([]);
  });

  it('of a device hears nothing of another device', async () => {
    const client = await at('/laptop');
    const reader = new SseReader(await client.send('GET'));
    await reader.next();
    relay.devices.setTools('u1', [exposed('u1', 'execute')]);
    relay.devices.setTools('u1', []);
    expect((await reader.next())?.data).toContain('notifications/tools/list_changed');
    await client.send('DELETE');
    expect(await reader.rest()).toEqual([]);
  });
});
