import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawClient, replyIn, replyOf, SseReader } from './raw-client.js';
import { exposed, laptop, serverView } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
let client: RawClient;
beforeEach(async () => {
  relay = await startTestRelay({ limits: { silentSeconds: 0.02 } });
  relay.devices.setTools('u1', [exposed('u1', 'execute')]);
  relay.devices.setViews('u1', [laptop()]);
  client = await RawClient.ready(relay, '2025-11-25', { scope: 'mcp mcp:manage' });
});
afterEach(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

const desk = laptop({
  id: 'device-2',
  name: 'desk',
  presence: 'away',
  servers: [serverView('files', { status: 'failed', reason: 'not_found' })],
});

const notFound = 'its program or working folder was not found; "mcp-local-tunnel status" on that machine says more';

async function run(name: string, args: object = {}, by = client) {
  return (await replyOf(await by.call(1, name, args))).result;
}

describe('status', () => {
  it('shows devices, presence, since, versions, servers and tools, as text and data', async () => {
    relay.devices.setViews('u1', [laptop(), desk]);
    const { content, structuredContent, isError } = await run('status');
    expect(isError).toBeUndefined();
    expect(content[0]?.text).toBe(
      [
        'desk: away since 2026-01-02T03:04:05.000Z, may come back (mcp-local-tunnel 1.2.3, linux)',
        `  files: failed, 0 tools: ${notFound}`,
        'laptop: online since 2026-01-02T03:04:05.000Z (mcp-local-tunnel 1.2.3, linux)',
        '  shell: ready, 1 tools, version 9.9.9, MCP 2025-11-25',
      ].join('\n'),
    );
    expect(structuredContent).toEqual({
      relay: { version: '0.0.1-test' },
      devices: [
        expect.objectContaining({
          name: 'desk',
          presence: 'away',
          servers: [{ name: 'files', status: 'failed', tools: 0, problem: notFound }],
        }),
        {
          name: 'laptop',
          presence: 'online',
          since: '2026-01-02T03:04:05.000Z',
          version: '1.2.3',
          platform: 'linux',
          servers: [{ name: 'shell', status: 'ready', tools: 1, version: '9.9.9', protocolVersion: '2025-11-25' }],
        },
      ],
    });
  });

  it('says how to start a device when there is none, and shows no other user’s', async () => {
    const stranger = await RawClient.ready(relay, '2025-11-25', { user: 'u2' });
    const { content, structuredContent } = await run('status', {}, stranger);
    expect(content[0]?.text).toContain('npx -y mcp-local-tunnel agent');
    expect(structuredContent).toMatchObject({ devices: [], nextStep: expect.stringContaining('npx') });
    expect(JSON.stringify(content)).not.toContain('laptop');
  });

  it('has no data for versions that know none', async () => {
    const old = await RawClient.ready(relay, '2025-03-26');
    expect(await run('status', {}, old)).not.toHaveProperty('structuredContent');
  });
});

describe('restart', () => {
  const back =
    '{"servers":[{"name":"shell","status":"ready","tools":3},{"name":"x","status":"failed","tools":0,"reason":"not_found","problem":"stderr"}]}';

  it('asks the agent and answers with what came back', async () => {
    const answer = run('restart', { device: 'laptop', server: 'shell' });
    const call = await relay.devices.next();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: '' });
    expect(call.request.method).toBe('agent/restart');
    expect(call.params).toBe('{"server":"shell"}');
    call.sink.piece('result', Buffer.from(back.slice(0, 20)), false);
    call.sink.piece('result', Buffer.from(back.slice(20)), true);
    const { content, structuredContent, isError } = await answer;
    expect(isError).toBeUndefined();
    expect(content[0]?.text).toBe(`laptop: restarted\n  shell: ready, 3 tools\n  x: failed, 0 tools: ${notFound}`);
    expect(structuredContent).toEqual({
      devices: [
        {
          name: 'laptop',
          servers: [
            { name: 'shell', status: 'ready', tools: 3 },
            { name: 'x', status: 'failed', tools: 0, problem: notFound },
          ],
        },
      ],
    });
    expect(call.consumedBytes).toBe(back.length);
  });

  it('without arguments asks every device, and reports each', async () => {
    relay.devices.setViews('u1', [laptop(), desk]);
    const answer = run('restart');
    const calls = [await relay.devices.next(), await relay.devices.next()];
    expect(calls.map(({ params }) => params)).toEqual(['{}', '{}']);
    calls.find(({ target }) => target.deviceId === 'device-1')?.result(back);
    calls
      .find(({ target }) => target.deviceId === 'device-2')
      ?.sink.fail({ code: 'offline', dispatched: false, message: 'desk is offline.' });
    const { content, isError } = await answer;
    expect(isError).toBe(true);
    expect(content[0]?.text).toContain('laptop: restarted');
    expect(content[0]?.text).toContain('desk: desk is offline. (not dispatched: safe to retry)');
  });

  it('of a server asks only devices that have it', async () => {
    relay.devices.setViews('u1', [laptop(), desk]);
    const answer = run('restart', { server: 'files' });
    const call = await relay.devices.next();
    expect(call.target.deviceId).toBe('device-2');
    call.result('{"servers":[]}');
    await answer;
    expect(relay.devices.waiting).toBe(0);
  });

  it.each([
    [{ device: 'nope' }, 'Unknown device "nope". Known: desk, laptop.'],
    [{ server: 'nope' }, 'Unknown server "nope". Known: files, shell.'],
    [{ device: 'desk', server: 'shell' }, 'Unknown server "shell". Known: files.'],
    [{ servers: 'shell' }, 'Unknown argument "servers". Known: device, server.'],
    [{ device: 7 }, '"device" is the name of a device'],
  ])('§7.37 of %j is a tool error that says what there is', async (args, text) => {
    relay.devices.setViews('u1', [laptop(), desk]);
    const { content, isError } = await run('restart', args);
    expect(isError).toBe(true);
    expect(content[0]?.text).toContain(text);
  });

  it('with no device says how to start one', async () => {
    relay.devices.setViews('u1', []);
    const { content, isError } = await run('restart');
    expect(isError).toBe(true);
    expect(content[0]?.text).toContain('npx -y mcp-local-tunnel agent');
  });

  it.each([
    ['result', 'not JSON', 'not JSON'],
    ['result', '[]', 'cannot be read'],
    ['error', '{"code":-32602,"message":"no such server"}', 'no such server'],
    ['result', `"${'x'.repeat(300 * 1024)}"`, 'too large'],
  ] as const)('with a %s of %.20s from the agent is a tool error', async (kind, json, text) => {
    const answer = run('restart');
    (await relay.devices.next()).sink.piece(kind, Buffer.from(json), true);
    const { content, isError } = await answer;
    expect(isError).toBe(true);
    expect(content[0]?.text).toContain(text);
  });

  it('that takes long is answered in an event stream, and can be cancelled', async () => {
    const answer = await client.call(1, 'restart');
    const call = await relay.devices.next();
    const reader = new SseReader(answer);
    call.result(back);
    expect(replyIn((await reader.rest()).at(-1)).result.content[0]?.text).toContain('laptop: restarted');
    const second = client.call(2, 'restart');
    const running = await relay.devices.next();
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } });
    await running.cancellation();
    await (await second).text();
  });
});
