import { describe, expect, it } from 'vitest';
import { EXECUTE, EXPERIMENTAL, fill, shell } from './endpoint-devices.js';
import { ModernClient, PREFIX } from './modern-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import { exposed, exposedPrompt, exposedResource, laptop, serverView } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

const TASKS = `${PREFIX}tasks`;
const RELAY = { name: 'mcp-local-tunnel', title: 'MCP Local Tunnel', version: '0.0.1-test' };

let relay: TestRelay;
relayOfEachTest((started) => {
  relay = started;
});

async function discover(at: string): Promise<unknown> {
  return (await (await ModernClient.of(relay, at)).reply('d', 'server/discover')).result;
}

describe('server/discover', () => {
  it.each(['', '/laptop'])('at /mcp%s tells of the relay', async (at) => {
    expect(await discover(at)).toEqual({
      resultType: 'complete',
      supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      ttlMs: 0,
      cacheScope: 'private',
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
        extensions: { 'io.modelcontextprotocol/ui': {} },
      },
      instructions: expect.stringContaining('> Use with care.'),
      _meta: { [`${PREFIX}serverInfo`]: RELAY },
    });
  });

  it('promises tasks where a server of the same revision has them, and only there', async () => {
    const extensions = { [TASKS]: {} };
    const one = serverView('jobs', { status: 'ready', era: 'modern', capabilities: { extensions } });
    relay.devices.setViews('u1', [laptop({ servers: [one] }), laptop({ id: 'device-2', name: 'desk' })]);
    expect(await discover('')).toMatchObject({ capabilities: { extensions } });
    expect(await discover('/laptop')).toMatchObject({ capabilities: { extensions } });
    expect(await discover('/desk')).not.toMatchObject({ capabilities: { extensions } });
  });

  it('at a legacy server’s endpoint tells what the server says, less the tasks of its era', async () => {
    expect(await discover('/laptop/shell')).toEqual({
      resultType: 'complete',
      supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      ttlMs: 0,
      cacheScope: 'private',
      capabilities: {
        tools: { listChanged: true, more: 1 },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true, more: 2 },
        completions: {},
        logging: {},
        experimental: EXPERIMENTAL,
        extensions: { 'io.modelcontextprotocol/ui': {} },
        sampling: {},
        strange: {},
      },
      instructions: shell.instructions,
      _meta: { [`${PREFIX}serverInfo`]: shell.serverInfo },
    });
  });

  it('at a server’s of the same revision tells just what it says', async () => {
    const capabilities = { tools: { listChanged: false }, extensions: { [TASKS]: { a: 1 }, 'acme/x': {} }, tasks: {} };
    const view = serverView('m', { status: 'ready', era: 'modern', serverInfo: { name: 'm' }, capabilities });
    relay.devices.setViews('u1', [laptop({ servers: [view] })]);
    const result = await discover('/laptop/m');
    expect(result).toMatchObject({ capabilities, _meta: { [`${PREFIX}serverInfo`]: { name: 'm' } } });
    expect(result).not.toHaveProperty('instructions');
  });

  it('of a server that has not been ready says why', async () => {
    const response = await (await ModernClient.of(relay, '/laptop/broken')).request('d', 'server/discover');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      id: 'd',
      error: {
        code: -32603,
        message: expect.stringMatching(/broken on laptop .* waiting: .*not found.*not dispatched/),
      },
    });
  });

  it('tells nothing of another user', async () => {
    const other = await ModernClient.of(relay, '', { user: 'u2' });
    expect(JSON.stringify(await other.reply(1, 'server/discover'))).not.toContain('laptop');
  });
});

describe('lists of the stateless revision', () => {
  it.each([
    ['tools/list', 'tools', 'name', ['status', 'restart', 'shell__a', 'shell__b']],
    ['prompts/list', 'prompts', 'name', ['shell__greet']],
    ['resources/list', 'resources', 'uri', ['laptop.shell+a:b']],
    ['resources/templates/list', 'resourceTemplates', 'uriTemplate', ['laptop.shell+a:{x}']],
  ])('%s is whole, private and in order', async (method, member, key, expected) => {
    const template = { ...exposedResource('u1', 'a:{x}', { uriTemplate: 'a:{x}' }) };
    relay.devices.setTools('u1', [exposed('u1', 'a'), exposed('u1', 'b')]);
    relay.devices.setPrompts('u1', [exposedPrompt('u1', 'greet')]);
    relay.devices.setResources('u1', [exposedResource('u1', 'a:b')]);
    relay.devices.setTemplates('u1', [template]);
    const client = await ModernClient.of(relay);
    const result: Readonly<Record<string, unknown>> = { ...(await client.reply(1, method)).result };
    expect(result).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { [`${PREFIX}serverInfo`]: RELAY },
    });
    const entries = result[member] as readonly Readonly<Record<string, unknown>>[];
    expect(entries.map((entry) => entry[key])).toEqual(expected);
    expect(await (await client.request(1, method)).text()).toBe(await (await client.request(1, method)).text());
  });

  it('has the same cache scope on every page, and none of a cursor of another user or list', async () => {
    await using small = await startTestRelay({ limits: { pageSize: 2 } });
    fill(small.devices);
    const client = await ModernClient.of(small);
    const first = (await client.reply(1, 'tools/list')).result;
    const cursor = first.nextCursor;
    const second = (await client.reply(2, 'tools/list', { cursor })).result;
    expect([first, second]).toMatchObject([{ cacheScope: 'private' }, { cacheScope: 'private' }]);
    const names = [...first.tools, ...second.tools].map(({ name }) => name);
    expect(names).toEqual(['status', 'restart', 'shell__execute', 'shell__lock']);
    expect((await client.reply(3, 'prompts/list', { cursor })).error.code).toBe(-32602);
    const other = await ModernClient.of(small, '', { user: 'u2' });
    expect((await other.reply(4, 'tools/list', { cursor })).error.code).toBe(-32602);
  });

  it('shows a tool with any output schema there is', async () => {
    relay.devices.setTools('u1', [exposed('u1', 'execute', { ...EXECUTE, execution: { taskSupport: 'required' } })]);
    const { tools } = (await (await ModernClient.of(relay)).reply(1, 'tools/list')).result;
    const tool = tools.find(({ name }) => name === 'shell__execute');
    expect(tool).toMatchObject({ outputSchema: { type: 'array' }, 'vendor/new': [1, null, { deep: true }] });
    expect(tool).not.toHaveProperty('execution');
    expect(JSON.stringify(tool)).not.toContain('x-mcp-header');
  });
});
