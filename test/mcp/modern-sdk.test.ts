import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { relayOfEachTest } from './relay-of-each-test.js';
import { exposed, exposedPrompt, exposedResource } from './test-devices.js';
import type { TestRelay } from './test-relay.js';

let relay: TestRelay;
relayOfEachTest((started) => {
  relay = started;
});

async function connected(at = ''): Promise<Client> {
  const client = new Client({ name: 'v2', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  const headers = { Authorization: `Bearer ${await relay.token()}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${relay.url}${at}`), { requestInit: { headers } }));
  return client;
}

describe('the client of SDK v2, pinned to 2026-07-28', () => {
  it('discovers, lists, calls with progress, reads and cancels (§7.1)', async () => {
    relay.devices.setPrompts('u1', [exposedPrompt('u1', 'greet')]);
    relay.devices.setResources('u1', [exposedResource('u1', 'a:b')]);
    const client = await connected();
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    expect(client.getServerVersion()).toMatchObject({ name: 'mcp-local-tunnel' });
    expect(client.getInstructions()).toContain('laptop/shell');
    expect(client.getServerCapabilities()).toMatchObject({ resources: { subscribe: true } });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['status', 'restart', 'shell__execute', 'shell__lock']);
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['shell__greet']);
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['laptop.shell+a:b']);
    expect((await client.listResourceTemplates()).resourceTemplates).toEqual([]);

    const steps: number[] = [];
    const calling = client.callTool(
      { name: 'shell__execute', arguments: { a: 1 } },
      { onprogress: ({ progress }) => steps.push(progress) },
    );
    const call = await relay.devices.next();
    call.progress(1, call.request.progressToken);
    call.progress(2, call.request.progressToken);
    call.result('{"resultType":"complete","content":[],"structuredContent":{"n":1}}');
    expect(await calling).toMatchObject({ structuredContent: { n: 1 } });
    expect(steps).toEqual([1, 2]);

    const reading = client.readResource({ uri: 'laptop.shell+a:b' });
    const read = await relay.devices.next();
    expect(JSON.parse(read.params)).toMatchObject({ uri: 'a:b' });
    read.result(
      '{"resultType":"complete","ttlMs":0,"cacheScope":"private","contents":[{"uri":"laptop.shell+a:b","text":"x"}]}',
    );
    expect((await reading).contents).toMatchObject([{ text: 'x' }]);

    const stop = new AbortController();
    const cancelled = client.callTool({ name: 'shell__execute' }, { signal: stop.signal });
    const left = expect(cancelled).rejects.toThrow();
    const running = await relay.devices.next();
    stop.abort('enough');
    await left;
    await running.cancellation();

    expect((await client.callTool({ name: 'status' })).structuredContent).toMatchObject({
      devices: [{ name: 'desk' }, { name: 'laptop' }],
    });
    await expect(client.callTool({ name: 'nope' })).rejects.toThrow(/Unknown tool: nope/);
    await client.close();
  });

  it('listens, hears of changes, and of the end (§7.28)', async () => {
    const client = await connected();
    let heard: () => void = () => {};
    const changed = new Promise<void>((resolve) => {
      heard = resolve;
    });
    client.setNotificationHandler('notifications/tools/list_changed', () => heard());
    const subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: ['nowhere:x'] });
    expect(subscription.honoredFilter).toEqual({ toolsListChanged: true });
    relay.devices.setTools('u1', [exposed('u1', 'new')]);
    await changed;
    relay.draining.begin();
    await relay.draining.end();
    // What it takes for a reason to listen again; with the result alone it would be 'graceful'.
    expect(await subscription.closed).toBe('remote');
    await client.close();
  });

  it('sends names that are no header values, and the headers a tool asks for (§7.17)', async () => {
    const client = await connected('/laptop/shell');
    const inputSchema = { type: 'object', properties: { x: { type: 'string', 'x-mcp-header': 'X' } } };
    const listing = client.listTools();
    const list = await relay.devices.next();
    list.result(
      JSON.stringify({
        resultType: 'complete',
        ttlMs: 0,
        cacheScope: 'private',
        tools: [{ name: 'execute.now', inputSchema }],
      }),
    );
    await listing;
    const calling = client.callTool({ name: 'execute.now', arguments: { x: 'é' } });
    const call = await relay.devices.next();
    call.result('{"resultType":"complete","content":[]}');
    await calling;
    const getting = client.getPrompt({ name: 'größe' });
    const prompt = await relay.devices.next();
    prompt.result('{"resultType":"complete","messages":[]}');
    expect(await getting).toMatchObject({ messages: [] });
    await client.close();
  });
});
