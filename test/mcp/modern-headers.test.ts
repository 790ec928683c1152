import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { envelope, MISMATCH, ModernClient, TASK_CAPABLE, VERSION } from './modern-client.js';
import { refusal, replyOf } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import { exposed, laptop, serverView } from './test-devices.js';
import type { TestRelay } from './test-relay.js';

let relay: TestRelay;
let client: ModernClient;
relayOfEachTest(async (started) => {
  relay = started;
  relay.devices.answer = (call) => call.result('{"resultType":"complete"}');
  client = await ModernClient.of(relay);
});

describe('the headers that mirror a request (§7.17)', () => {
  it.each(['MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name'])('%s may not be missing', async (name) => {
    expect(await refusal(client.call('i', 'shell__execute', {}, { without: [name] }))).toEqual(MISMATCH);
  });

  it.each([
    ['MCP-Protocol-Version', '2025-11-25'],
    ['Mcp-Method', 'tools/list'],
    ['Mcp-Method', 'Tools/call'],
    ['Mcp-Name', 'shell__other'],
    ['Mcp-Name', 'SHELL__EXECUTE'],
    ['Mcp-Name', '=?base64?!!?='],
    ['Mcp-Name', '=?base64?c2hlbGxfX2V4ZWN1dGU?='],
    ['Mcp-Name', '=?base64?/w==?='],
    ['Mcp-Name', '=?BASE64?c2hlbGxfX2V4ZWN1dGU=?='],
    ['Mcp-Name', 'sh\u00e9ll'],
  ])('%s may not be %s', async (name, value) => {
    const answer = client.call('i', 'shell__execute', {}, { headers: { [name]: value } });
    expect(await refusal(answer)).toEqual(MISMATCH);
  });

  it('are compared once decoded, and by name whatever its case', async () => {
    const value = `=?base64?${Buffer.from('shell__execute').toString('base64')}?=`;
    const headers = { 'mcp-name': value, 'MCP-METHOD': 'tools/call' };
    const response = await client.call('i', 'shell__execute', {}, { headers });
    expect(response.status).toBe(200);
  });

  it.each(['ünïcode', ' padded ', '=?base64?literal?=', 'line\nbreak', ''])('carry %j in Base64', async (name) => {
    relay.devices.setTools('u1', [{ ...exposed('u1', 'x'), exposedName: name }]);
    const header = `=?base64?${Buffer.from(name).toString('base64')}?=`;
    const response = await client.call('i', name, {}, { headers: { 'Mcp-Name': header } });
    expect((await replyOf(response)).result).toBeDefined();
    expect(await refusal(client.call('i', name, {}, { headers: { 'Mcp-Name': 'x' } }))).toEqual(MISMATCH);
  });

  it.each([
    ['é', 'é'],
    ['\ufffd', '=?base64?/w==?='],
  ])('a name %j is not sent as %j', async (name, header) => {
    relay.devices.setTools('u1', [{ ...exposed('u1', 'x'), exposedName: name }]);
    expect(await refusal(client.call('i', name, {}, { headers: { 'Mcp-Name': header } }))).toEqual(MISMATCH);
  });

  it('a name that reads like Base64 is not sent as it stands', async () => {
    relay.devices.setTools('u1', [{ ...exposed('u1', 'x'), exposedName: '=?base64?eA==?=' }]);
    const headers = { 'Mcp-Name': '=?base64?eA==?=' };
    expect(await refusal(client.call('i', '=?base64?eA==?=', {}, { headers }))).toEqual(MISMATCH);
  });

  it.each([
    ['prompts/get', { name: 'p' }],
    ['resources/read', { uri: 'a:b' }],
    ['tasks/get', { taskId: 't' }],
    ['tasks/update', { taskId: 't' }],
    ['tasks/cancel', { taskId: 't' }],
  ])('Mcp-Name is wanted on %s', async (method, params) => {
    const server = await ModernClient.of(relay, '/laptop/shell');
    const options = { meta: TASK_CAPABLE };
    expect((await server.request('i', method, params, options)).status).toBe(200);
    expect(await refusal(server.request('i', method, params, { ...options, without: ['Mcp-Name'] }))).toEqual(MISMATCH);
    expect(await refusal(server.request('i', method, params, { ...options, headers: { 'Mcp-Name': 'q' } }))).toEqual(
      MISMATCH,
    );
  });

  it('Mcp-Name is not wanted on other methods, nor where the body has no name', async () => {
    expect((await client.request(1, 'tools/list')).status).toBe(200);
    expect((await client.request(1, 'tools/list', {}, { headers: { 'Mcp-Name': 'x' } })).status).toBe(200);
    expect(await refusal(client.request('i', 'tools/call'))).toEqual({ status: 200, id: 'i', code: -32602 });
  });

  it.each([1, 'i', 0, -5, 9_007_199_254_740_991, 'ü'])('a refusal has the request’s id, %j', async (id) => {
    expect(await refusal(client.request(id, 'tools/list', {}, { without: ['Mcp-Method'] }))).toEqual({
      ...MISMATCH,
      id,
    });
  });

  it('two that make up one name between them are refused', async () => {
    relay.devices.setTools('u1', [{ ...exposed('u1', 'x'), exposedName: 'one, two' }]);
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 'i',
      method: 'tools/call',
      params: { name: 'one, two', _meta: envelope() },
    });
    const headers = {
      ...{
        Authorization: `Bearer ${client.token}`,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      ...{ 'MCP-Protocol-Version': VERSION, 'Mcp-Method': 'tools/call' },
    };
    const posted = async (name: string | string[]) => {
      const sent = request(client.url, { method: 'POST', headers: { ...headers, 'Mcp-Name': name } }).end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      return JSON.parse(await text(response));
    };
    expect(await posted(['one', 'two'])).toMatchObject({ id: 'i', error: { code: -32020 } });
    expect(await posted('one, two')).toMatchObject({ id: 'i', result: {} });
  });

  it('a refused request reaches no server', async () => {
    let calls = 0;
    relay.devices.answer = () => (calls += 1);
    await client.call('i', 'shell__execute', {}, { headers: { 'Mcp-Name': 'shell__other' } });
    expect(calls).toBe(0);
  });

  it('notifications are taken with or without them', async () => {
    const message = { jsonrpc: '2.0', method: 'notifications/x', params: { _meta: envelope() } };
    const response = await client.send(message, { without: ['Mcp-Method', 'MCP-Protocol-Version'] });
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('');
  });
});

describe('the headers that a tool asks for (§7.17)', () => {
  const inputSchema = {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      count: { type: 'integer', 'x-mcp-header': 'Count' },
      dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
      free: { type: 'string' },
      deep: { type: 'object', properties: { leaf: { type: 'string', 'x-mcp-header': 'Leaf' } } },
      bad: { type: 'string', 'x-mcp-header': 'not a token' },
    },
  };
  const tool = { name: 'query', inputSchema };
  let server: ModernClient;
  beforeEach(async () => {
    const view = serverView('db', { status: 'ready', era: 'modern', serverInfo: { name: 'db' }, tools: [tool] });
    relay.devices.setViews('u1', [laptop({ servers: [view] })]);
    relay.devices.setTools('u1', [exposed('u1', 'query', { inputSchema }, 'db')]);
    server = await ModernClient.of(relay, '/laptop/db');
  });

  const query = (args: object, headers: Readonly<Record<string, string>>) =>
    server.call('i', 'query', args, { headers });

  it.each([
    [{ region: 'eu' }, { 'Mcp-Param-Region': 'eu' }],
    [{ region: 'eu' }, { 'mcp-param-region': '=?base64?ZXU=?=' }],
    [{ region: 'é' }, { 'Mcp-Param-Region': '=?base64?w6k=?=' }],
    [{ count: 42 }, { 'Mcp-Param-Count': '42.0' }],
    [{ count: -7 }, { 'Mcp-Param-Count': '-7' }],
    [{ dry: false }, { 'Mcp-Param-Dry': 'false' }],
    [{ deep: { leaf: 'x' } }, { 'Mcp-Param-Leaf': 'x' }],
    [{ region: null }, {}],
    [{}, {}],
    [{}, { 'Mcp-Param-Region': 'eu' }],
    [{ free: 'x', bad: 'y' }, { 'Mcp-Param-Other': '=?base64?!?=' }],
    [{ region: { nested: true } }, {}],
  ])('%j goes with %j', async (args, headers) => {
    const response = await query(args, headers as Record<string, string>);
    expect(response.status).toBe(200);
  });

  it.each([
    [{ region: 'eu' }, {}],
    [{ region: 'eu' }, { 'Mcp-Param-Region': 'us' }],
    [{ region: 'eu' }, { 'Mcp-Param-Region': '=?base64?ZXU?=' }],
    [{ region: 'é' }, { 'Mcp-Param-Region': 'é' }],
    [{ count: 42 }, { 'Mcp-Param-Count': '43' }],
    [{ count: 42 }, { 'Mcp-Param-Count': '4.2e1' }],
    [{ dry: true }, { 'Mcp-Param-Dry': 'True' }],
    [{ deep: { leaf: 'x' } }, {}],
  ])('%j does not go with %j', async (args, headers) => {
    const answer = query(args, headers as Record<string, string>);
    expect(await refusal(answer)).toEqual(MISMATCH);
    expect(await (await query(args, headers as Record<string, string>)).text()).not.toContain('eu');
  });

  it('are no matter where several servers share an endpoint', async () => {
    const response = await client.call('i', 'db__query', { region: 'eu' });
    expect(response.status).toBe(200);
    const { tools } = (await client.reply(2, 'tools/list')).result;
    expect(JSON.stringify(tools)).not.toContain('x-mcp-header');
  });
});
