import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient, replyOf } from './raw-client.js';
import { exposed } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ limits: { pageSize: 4 } });
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

async function list(client: RawClient, cursor?: unknown) {
  return replyOf(await client.request(1, 'tools/list', cursor === undefined ? {} : { cursor }));
}

const rich = {
  title: 'Run',
  description: 'Runs.',
  inputSchema: {
    type: 'object',
    properties: {
      zone: { type: 'string', 'x-mcp-header': 'Zone', default: { 'x-mcp-header': 'kept' } },
      'x-mcp-header': { type: 'string' },
    },
  },
  outputSchema: { type: 'object', properties: { n: { type: 'number' } } },
  icons: [
    { src: 'https://a/i.png' },
    { src: 'data:image/png;base64,AA' },
    { src: 'http://localhost/i.png' },
    { src: 'file:///i' },
    7,
  ],
  execution: { taskSupport: 'required' },
  annotations: { readOnlyHint: true, title: 'Ran', unknownHint: 1 },
  _meta: { 'x/y': [1] },
  somethingNew: { deep: true },
};

describe('tools/list', () => {
  it('has status and restart with no device at all', async () => {
    const client = await RawClient.ready(relay, '2025-11-25', { user: 'nobody' });
    const { result } = await list(client);
    expect(result.tools.map(({ name }) => name)).toEqual(['status', 'restart']);
    expect(result.tools[0]).toMatchObject({ annotations: { readOnlyHint: true }, outputSchema: { type: 'object' } });
    expect(result.tools[1]).toMatchObject({ annotations: { destructiveHint: true } });
    expect(result.nextCursor).toBeUndefined();
  });

  it('passes every field as the server sent it, unknown ones too', async () => {
    relay.devices.setTools('u1', [exposed('u1', 'run', rich)]);
    const { result } = await list(await RawClient.ready(relay));
    expect(result.tools[2]).toEqual({
      name: 'shell__run',
      title: 'shell: Run',
      description: 'Runs.',
      inputSchema: {
        type: 'object',
        properties: {
          zone: { type: 'string', default: { 'x-mcp-header': 'kept' } },
          'x-mcp-header': { type: 'string' },
        },
      },
      outputSchema: rich.outputSchema,
      icons: [{ src: 'https://a/i.png' }, { src: 'data:image/png;base64,AA' }],
      annotations: rich.annotations,
      _meta: rich._meta,
      somethingNew: rich.somethingNew,
    });
  });

  it('leaves out what a version does not have', async () => {
    relay.devices.setTools('u1', [exposed('u1', 'run', rich)]);
    const fields = async (version: string) => {
      const { result } = await list(await RawClient.ready(relay, version));
      return result.tools.map((tool) =>
        ['title', 'outputSchema', 'icons', 'execution'].filter((field) => field in tool),
      );
    };
    expect(await fields('2025-11-25')).toEqual([
      ['title', 'outputSchema'],
      ['title', 'outputSchema'],
      ['title', 'outputSchema', 'icons'],
    ]);
    expect(await fields('2025-06-18')).toEqual([
      ['title', 'outputSchema'],
      ['title', 'outputSchema'],
      ['title', 'outputSchema'],
    ]);
    expect(await fields('2025-03-26')).toEqual([[], [], []]);
    expect(await fields('2024-11-05')).toEqual([[], [], []]);
  });

  it('titles a tool by its title, its annotation or its name, and drops an output schema that is no object', async () => {
    relay.devices.setTools('u1', [
      exposed('u1', 'a', { annotations: { title: 'Annotated' }, outputSchema: { type: 'array' } }),
      exposed('u1', 'b', { outputSchema: true }),
    ]);
    const { result } = await list(await RawClient.ready(relay));
    expect(result.tools.slice(2).map(({ title, outputSchema }) => [title, outputSchema])).toEqual([
      ['shell: Annotated', undefined],
      ['shell: b', undefined],
    ]);
  });

  it('§7.27 comes in pages, the same bytes each time', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    relay.devices.setTools(
      'u1',
      names.map((name) => exposed('u1', name)),
    );
    const client = await RawClient.ready(relay);
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list(client, cursor);
      expect(page.result.tools.length).toBeLessThanOrEqual(4);
      seen.push(...page.result.tools.map(({ name }) => name));
      cursor = page.result.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(['status', 'restart', ...names.map((name) => `shell__${name}`)]);
    const texts = await Promise.all([1, 2].map(async () => (await client.request(1, 'tools/list')).text()));
    expect(texts[0]).toBe(texts[1]);
  });

  it('§7.4, §7.31 refuses a cursor that is forged, stale, another user’s or no string', async () => {
    const many = (user: string) => ['a', 'b', 'c', 'd', 'e'].map((name) => exposed(user, name));
    relay.devices.setTools('u1', many('u1'), 'same');
    relay.devices.setTools('u2', many('u2'), 'same');
    const client = await RawClient.ready(relay);
    const { nextCursor } = (await list(client)).result;
    const code = async (by: RawClient, cursor: unknown) => (await list(by, cursor)).error?.code;
    expect(await code(client, nextCursor)).toBeUndefined();
    expect(await code(await RawClient.ready(relay, '2025-11-25', { user: 'u2' }), nextCursor)).toBe(-32602);
    for (const cursor of ['', '0', '4.AAAAAAAAAAAAAAAAAAAAAA', `9${nextCursor}`, 7])
      expect(await code(client, cursor)).toBe(-32602);
    relay.devices.setTools('u1', many('u1'));
    expect(await code(client, nextCursor)).toBe(-32602);
  });
});
