import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient, replyOf } from './raw-client.js';
import type { TestCall } from './test-call.js';
import { exposed, exposedPrompt, exposedResource, laptop } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

/** What several servers offer, at /mcp and at /mcp/<device>. */

let relay: TestRelay;
const desk = laptop({ id: 'device-2', name: 'desk' });
beforeAll(async () => {
  relay = await startTestRelay({ limits: { pageSize: 2 } });
  relay.devices.setViews('u1', [desk, laptop()]);
  // Lists of different kinds may have the same revision.
  relay.devices.setPrompts(
    'u1',
    ['a', 'b', 'c'].map((name) => exposedPrompt('u1', name, RICH)),
    'one',
  );
  const resources = [
    exposedResource('u1', 'file:///a', { ...RICH, name: 'A', size: 3, mimeType: 'text/plain' }),
    exposedResource('u1', 'ui://shell/x', { name: 'X' }),
  ];
  relay.devices.setResources('u1', resources, 'one');
  relay.devices.setTemplates('u1', [exposedResource('u1', 'file:///{+path}', TEMPLATE)], 'one');
  relay.devices.setAmbiguous('u1', {
    shell__twice: ['desk__shell__twice', 'laptop__shell__twice'],
    'file:///twice': ['desk.shell+file:///twice', 'laptop.shell+file:///twice'],
  });
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  expect(relay.devices.waiting).toBe(0);
  await relay[Symbol.asyncDispose]();
});

const RICH = {
  title: 'T',
  icons: [{ src: 'https://a/i.png' }, { src: 'file:///i' }],
  _meta: { 'x/y': [1] },
  somethingNew: true,
};
const TEMPLATE = { name: 'Any', uriTemplate: 'file:///{+path}' };

const ready = (version = '2025-11-25', path = '') => RawClient.ready(relay, version, {}, path);

async function entries(client: RawClient, method: string, member: string, cursor?: string) {
  const { result } = await replyOf(await client.request(1, method, cursor === undefined ? {} : { cursor }));
  const list = (result as unknown as Record<string, readonly Readonly<Record<string, unknown>>[]>)[member] ?? [];
  return { list, cursor: result.nextCursor };
}

/** Sends a request and gives the call it became, answered. */
async function sent(client: RawClient, method: string, params: object): Promise<TestCall> {
  const answer = client.request(1, method, params);
  const call = await relay.devices.next();
  call.result('{"n":1}');
  expect((await replyOf(await answer)).result).toEqual({ n: 1 });
  return call;
}

async function refused(client: RawClient, method: string, params: object) {
  return (await replyOf(await client.request(1, method, params))).error;
}

describe('lists', () => {
  it('§7.30 name prompts and resources as they are called and read', async () => {
    const client = await ready();
    const prompts = await entries(client, 'prompts/list', 'prompts');
    expect(prompts.list[0]).toEqual({
      ...RICH,
      name: 'shell__a',
      title: 'shell: T',
      icons: [{ src: 'https://a/i.png' }],
    });
    const { list } = await entries(client, 'resources/list', 'resources');
    expect(list[0]).toEqual({
      ...RICH,
      name: 'A',
      size: 3,
      mimeType: 'text/plain',
      uri: 'laptop.shell+file:///a',
      title: 'shell: T',
      icons: [{ src: 'https://a/i.png' }],
    });
    expect(list[1]).toMatchObject({ uri: 'ui://laptop.shell+shell/x', title: 'shell: X' });
    const templates = await entries(client, 'resources/templates/list', 'resourceTemplates');
    expect(templates.list).toEqual([{ name: 'Any', uriTemplate: 'laptop.shell+file:///{+path}', title: 'shell: Any' }]);
  });

  it('have what a revision has', async () => {
    for (const [version, fields] of [
      ['2025-11-25', ['title', 'icons']],
      ['2025-06-18', ['title']],
      ['2024-11-05', []],
    ] as const) {
      const client = await ready(version);
      for (const [method, member] of [
        ['prompts/list', 'prompts'],
        ['resources/list', 'resources'],
      ] as const) {
        const { list } = await entries(client, method, member);
        expect(['title', 'icons'].filter((field) => field in (list[0] ?? {}))).toEqual(fields);
      }
    }
  });

  it('§7.31 come in pages whose cursors are of one list alone', async () => {
    const client = await ready();
    const first = await entries(client, 'prompts/list', 'prompts');
    expect(first.list.map(({ name }) => name)).toEqual(['shell__a', 'shell__b']);
    const second = await entries(client, 'prompts/list', 'prompts', first.cursor);
    expect(second.list.map(({ name }) => name)).toEqual(['shell__c']);
    expect(second.cursor).toBeUndefined();
    for (const method of ['tools/list', 'resources/list', 'resources/templates/list']) {
      expect(await refused(client, method, { cursor: first.cursor })).toMatchObject({ code: -32602 });
    }
    expect(await refused(client, 'prompts/list', { cursor: '' })).toMatchObject({ code: -32602 });
    relay.devices.setPrompts('u1', [exposedPrompt('u1', 'a', RICH)]);
    expect(await refused(client, 'prompts/list', { cursor: first.cursor })).toMatchObject({ code: -32602 });
  });

  it('§7.27 are the same bytes each time', async () => {
    const client = await ready();
    const texts = new Set<string>();
    for (let time = 0; time < 5; time += 1) texts.add(await (await client.request(1, 'resources/list')).text());
    expect(texts.size).toBe(1);
  });

  it('of a device have its own', async () => {
    const client = await ready('2025-11-25', '/desk');
    for (const method of ['prompts/list', 'resources/list', 'resources/templates/list']) {
      const { result } = await replyOf(await client.request(1, method));
      expect(Object.values(result)).toEqual([[]]);
    }
  });

  it('map the URI of a tool’s interface', async () => {
    const ui = { ui: { resourceUri: 'ui://shell/x', visibility: ['app'] }, 'ui/resourceUri': 'ui://shell/x', more: 1 };
    relay.devices.setTools('u1', [exposed('u1', 'app', { _meta: ui })]);
    const client = await ready();
    const first = await entries(client, 'tools/list', 'tools');
    const { list } = await entries(client, 'tools/list', 'tools', first.cursor);
    expect(list[0]?._meta).toEqual({
      ui: { resourceUri: 'ui://laptop.shell+shell/x', visibility: ['app'] },
      'ui/resourceUri': 'ui://laptop.shell+shell/x',
      more: 1,
    });
  });
});

describe('requests', () => {
  const about = { deviceId: 'device-1', server: 'shell', userId: 'u1' };

  it('§7.30 go to the server they are about, under its own names', async () => {
    const client = await ready();
    const got = await sent(client, 'prompts/get', { arguments: { a: '1' }, name: 'shell__a' });
    expect(got.target).toEqual(about);
    expect(got.params).toBe('{"arguments":{"a":"1"},"name":"a"}');
    const read = await sent(client, 'resources/read', { uri: 'laptop.shell+file:///some/where?+x', _meta: { k: 1 } });
    expect(read.target).toEqual(about);
    expect(read.params).toBe('{"uri":"file:///some/where?+x","_meta":{"k":1}}');
    expect(read.request.client).toMatchObject({ uriKey: 'laptop.shell', endpoint: 'aggregate' });
    const app = await sent(client, 'resources/read', { uri: 'ui://desk.shell+shell/x' });
    expect(app.target.deviceId).toBe('device-2');
    expect(app.params).toBe('{"uri":"ui://shell/x"}');
    expect(app.request.client.uriKey).toBe('desk.shell');
    const argument = { name: 'a', value: 'x' };
    const prompt = await sent(client, 'completion/complete', {
      ref: { type: 'ref/prompt', name: 'shell__a' },
      argument,
    });
    expect(prompt.params).toBe(`{"ref":{"type":"ref/prompt","name":"a"},"argument":${JSON.stringify(argument)}}`);
    const ref = { type: 'ref/resource', uri: 'laptop.shell+file:///{+path}' };
    const template = await sent(client, 'completion/complete', { argument, ref });
    expect(template.params).toBe(
      `{"argument":${JSON.stringify(argument)},"ref":{"type":"ref/resource","uri":"file:///{+path}"}}`,
    );
  });

  it('at the endpoint of a device go to it alone', async () => {
    const client = await ready('2025-11-25', '/desk');
    const read = await sent(client, 'resources/read', { uri: 'desk.shell+a:b' });
    expect(read.target.deviceId).toBe('device-2');
    expect(await refused(client, 'resources/read', { uri: 'laptop.shell+a:b' })).toMatchObject({ code: -32002 });
    expect(await refused(client, 'prompts/get', { name: 'shell__a' })).toMatchObject({ code: -32602 });
  });

  it.each([
    ['prompts/get', { name: 'x' }, { code: -32602, message: 'Unknown prompt: x' }],
    ['prompts/get', {}, { code: -32602, message: 'params.name must be the name of a prompt' }],
    ['resources/read', { uri: 'a:b' }, { code: -32002, message: 'Resource not found: a:b', data: { uri: 'a:b' } }],
    ['resources/read', { uri: 7 }, { code: -32602, message: 'params.uri must be the URI of a resource' }],
    ['resources/read', undefined, { code: -32602, message: 'params.uri must be the URI of a resource' }],
    [
      'resources/read',
      { uri: 'file:///twice' },
      {
        code: -32602,
        message: 'Ambiguous resource: file:///twice. Call one of: desk.shell+file:///twice, laptop.shell+file:///twice',
        data: { uri: 'file:///twice' },
      },
    ],
    [
      'prompts/get',
      { name: 'shell__twice' },
      {
        code: -32602,
        message: 'Ambiguous prompt: shell__twice. Call one of: desk__shell__twice, laptop__shell__twice',
      },
    ],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'x' } }, { code: -32602, message: 'Unknown prompt: x' }],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'a:b' } },
      { code: -32602, message: 'Resource not found: a:b', data: { uri: 'a:b' } },
    ],
    [
      'completion/complete',
      { ref: {} },
      { code: -32602, message: expect.stringContaining('params.ref.type') as string },
    ],
    ['completion/complete', {}, { code: -32602, message: expect.stringContaining('params.ref.type') as string }],
    ['tasks/get', { taskId: 'laptop.shell+t' }, { code: -32601, message: 'Method not found: tasks/get' }],
  ])('%s of %j leads nowhere', async (method, params, error) => {
    expect((await replyOf(await (await ready()).request(1, method, params))).error).toEqual(error);
  });

  it('with a member twice are refused', async () => {
    const client = await ready();
    const body =
      '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"laptop.shell+a:b","uri":"laptop.shell+a:b"}}';
    expect((await replyOf(await client.post(body))).error).toEqual({
      code: -32602,
      message: 'params has a member twice',
    });
  });

  it('that get no answer fail as errors', async () => {
    const client = await ready();
    const answer = client.request(1, 'resources/read', { uri: 'laptop.shell+a:b' });
    (await relay.devices.next()).sink.fail({ code: 'offline', dispatched: false, message: 'laptop is offline.' });
    expect((await replyOf(await answer)).error).toEqual({
      code: -32603,
      message: 'laptop is offline. (not dispatched: safe to retry)',
    });
  });
});
