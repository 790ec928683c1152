import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient, replyOf } from './raw-client.js';
import { exposed, laptop, serverView } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  expect(relay.devices.waiting).toBe(0);
  await relay[Symbol.asyncDispose]();
});

/** The tools as a client that calls itself so is shown them. */
async function toolsFor(clientInfo: object) {
  const client = await RawClient.of(relay);
  await client.initialize('2025-11-25', { clientInfo });
  return { client, tools: (await replyOf(await client.request(1, 'tools/list'))).result.tools };
}

const CLAUDE = { name: 'claude-ai', version: '1' };
const OTHER = { name: 'nobody knows', version: '1' };

describe('tools that do not suit a client', () => {
  const schema = { type: 'object', properties: { a: {} }, anyOf: [{ required: ['a'] }, {}] };
  const outputSchema = { type: 'object' };

  async function shown(info: object, fit: boolean) {
    relay.devices.setTools('u1', [{ ...exposed('u1', 'run', { inputSchema: schema, outputSchema }), fit }]);
    return (await toolsFor(info)).tools.at(-1);
  }

  it('are made to suit it, unless their owner wants them as they are', async () => {
    const fitted = await shown(CLAUDE, true);
    expect(fitted?.inputSchema).not.toHaveProperty('anyOf');
    expect(fitted).not.toHaveProperty('outputSchema');
    expect(await shown(CLAUDE, false)).toMatchObject({ inputSchema: schema, outputSchema });
    expect(await shown(OTHER, true)).toMatchObject({ inputSchema: schema, outputSchema });
  });
});

describe('read_more', () => {
  const fitting = laptop({ servers: [serverView('shell', { status: 'ready', era: 'legacy', fit: true })] });

  async function named(info: object, device = fitting) {
    relay.devices.setViews('u1', [device]);
    relay.devices.setTools('u1', []);
    const { client, tools } = await toolsFor(info);
    return { client, names: tools.map(({ name }) => name) };
  }

  it('is there for a client whose results may be cut, of a server whose owner lets them', async () => {
    expect((await named(CLAUDE)).names).toEqual(['status', 'restart', 'read_more']);
    expect((await named(OTHER)).names).toEqual(['status', 'restart']);
    expect((await named(CLAUDE, laptop())).names).toEqual(['status', 'restart']);
  });

  it('asks the agent that cut the result', async () => {
    const { client } = await named(CLAUDE);
    const answer = client.call(1, 'read_more', { id: 'laptop.shell~abc', from: 145_000 });
    const call = await relay.devices.next();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: '' });
    expect(call.request.method).toBe('agent/read-more');
    expect(JSON.parse(call.params)).toEqual({ id: 'laptop.shell~abc', from: 145_000 });
    call.result('{"content":[{"type":"text","text":"more"}]}');
    expect((await replyOf(await answer)).result.content).toEqual([{ type: 'text', text: 'more' }]);
  });

  it.each([[{ id: 'phone.shell~abc', from: 1 }], [{ id: 7, from: 1 }], [{}]])(
    'says what is wrong with %j',
    async (args) => {
      const { client } = await named(CLAUDE);
      expect((await replyOf(await client.call(1, 'read_more', args))).result.isError).toBe(true);
    },
  );
});
