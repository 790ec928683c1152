import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestCall } from './test-call.js';
import { exposed, exposedPrompt, exposedResource, laptop } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
beforeEach(async () => {
  relay = await startTestRelay();
  relay.devices.setTools('u1', [exposed('u1', 'execute', { title: 'Run', outputSchema: { type: 'object' } })]);
  relay.devices.setViews('u1', [laptop()]);
});
afterEach(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

async function requestInit() {
  return { headers: { Authorization: `Bearer ${await relay.token()}` } };
}

/** The next call, but those that listen to what a server says outside of calls. */
async function nextCall(): Promise<TestCall> {
  let call = await relay.devices.next();
  while (call.params === '{"notifications":{}}') call = await relay.devices.next();
  return call;
}

const RESULT = '{"content":[{"type":"text","text":"hi"}],"structuredContent":{"n":1}}';

describe('the client of SDK v1', () => {
  it('lists, calls with progress, cancels, hears of changes and ends its session', async () => {
    const client = new ClientV1({ name: 'v1', version: '1' });
    const transport = new TransportV1(new URL(relay.url), { requestInit: await requestInit() });
    const changed = new Promise<void>((resolve) => {
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve());
    });
    await client.connect(transport);
    expect(client.getServerVersion()).toMatchObject({ name: 'mcp-local-tunnel' });
    expect(client.getInstructions()).toContain('laptop/shell');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['status', 'restart', 'shell__execute']);

    const steps: number[] = [];
    const calling = client.callTool({ name: 'shell__execute', arguments: { a: 1 } }, undefined, {
      onprogress: ({ progress }) => steps.push(progress),
    });
    const call = await nextCall();
    const token = call.request.progressToken ?? '';
    call.progress(1, token);
    call.progress(2, token);
    call.result(RESULT);
    expect(await calling).toMatchObject({ structuredContent: { n: 1 } });
    expect(steps).toEqual([1, 2]);

    const stop = new AbortController();
    const cancelled = client.callTool({ name: 'shell__execute' }, undefined, { signal: stop.signal });
    const running = await nextCall();
    stop.abort('enough');
    await expect(cancelled).rejects.toThrow();
    expect(await running.cancellation()).toContain('enough');

    expect((await client.callTool({ name: 'status' })).structuredContent).toMatchObject({
      devices: [{ name: 'laptop' }],
    });
    await expect(client.callTool({ name: 'nope' })).rejects.toThrow(/Unknown tool: nope/);
    await client.setLoggingLevel('debug');
    await client.ping();

    while (relay.devices.listenersOf('u1') === 0) await new Promise((resolve) => setImmediate(resolve));
    relay.devices.setTools('u1', []);
    await changed;
    await transport.terminateSession();
    await client.close();
  });

  it('§7.14 is asked for input, samples and roots while its call runs', async () => {
    const client = new ClientV1(
      { name: 'v1', version: '1' },
      { capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} } },
    );
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
      action: 'accept',
      content: { said: params.message },
    }));
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'm',
      role: 'assistant',
      content: { type: 'text', text: 'sampled' },
    }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///home' }] }));
    await client.connect(new TransportV1(new URL(relay.url), { requestInit: await requestInit() }));
    const calling = client.callTool({ name: 'shell__execute' });
    const call = await nextCall();
    expect(call.request.client).toMatchObject({ ask: 'push', capabilities: { elicitation: { url: {} } } });
    call.ask(1, 'elicitation/create', {
      message: 'Sure?',
      requestedSchema: { type: 'object', properties: { said: { type: 'string' } } },
    });
    expect(JSON.parse((await call.answered(1))[0]?.json ?? '')).toEqual({
      action: 'accept',
      content: { said: 'Sure?' },
    });
    call.ask(2, 'sampling/createMessage', { messages: [], maxTokens: 1 });
    call.ask(3, 'roots/list', '');
    call.ask(4, 'acme/unknown', {});
    const answers = (await call.answered(4)).slice(1).sort((a, b) => a.ask - b.ask);
    expect(answers.map(({ kind }) => kind)).toEqual(['result', 'result', 'error']);
    expect(answers[0]?.json).toContain('sampled');
    expect(answers[1]?.json).toBe('{"roots":[{"uri":"file:///home"}]}');
    expect(answers[2]?.json).toContain('-32601');
    call.result(RESULT);
    expect(await calling).toMatchObject({ structuredContent: { n: 1 } });
    await client.close();
  });

  it('uses prompts, resources, templates, completion and subscriptions, and hears of all changes', async () => {
    relay.devices.setPrompts('u1', [exposedPrompt('u1', 'ask')]);
    relay.devices.setResources('u1', [exposedResource('u1', 'file:///a')]);
    relay.devices.setTemplates('u1', [exposedResource('u1', 'file:///{x}', { uriTemplate: 'file:///{x}' })]);
    const client = new ClientV1({ name: 'v1', version: '1' });
    const heard: string[] = [];
    let hear = () => {};
    const told = (what: string) => {
      heard.push(what);
      hear();
    };
    client.setNotificationHandler(PromptListChangedNotificationSchema, () => told('prompts'));
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => told('resources'));
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => told(params.uri));
    const transport = new TransportV1(new URL(relay.url), { requestInit: await requestInit() });
    await client.connect(transport);
    while (relay.devices.listenersOf('u1') === 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['shell__ask']);
    const { resources } = await client.listResources();
    const uri = resources[0]?.uri ?? '';
    expect(uri).toBe('laptop.shell+file:///a');
    expect((await client.listResourceTemplates()).resourceTemplates[0]?.uriTemplate).toBe('laptop.shell+file:///{x}');

    const answered = async <T>(result: Promise<T>, json: string): Promise<T> => {
      (await nextCall()).result(json);
      return result;
    };
    expect(await answered(client.getPrompt({ name: 'shell__ask' }), '{"messages":[]}')).toEqual({ messages: [] });
    const contents = [{ uri, text: 'x' }];
    expect(await answered(client.readResource({ uri }), JSON.stringify({ contents }))).toEqual({ contents });
    const ref = { type: 'ref/prompt', name: 'shell__ask' } as const;
    const completion = { values: ['v'] };
    const completed = client.complete({ ref, argument: { name: 'a', value: 'v' } });
    expect(await answered(completed, JSON.stringify({ completion }))).toEqual({ completion });

    const subscribing = client.subscribeResource({ uri });
    const call = await nextCall();
    call.acknowledge({ resourceSubscriptions: [uri] });
    expect(await subscribing).toEqual({});
    const all = new Promise<void>((resolve) => {
      hear = () => heard.length === 3 && resolve();
    });
    call.notify('notifications/resources/updated', { uri });
    relay.devices.setPrompts('u1', []);
    relay.devices.setTemplates('u1', []);
    await all;
    expect(heard).toEqual([uri, 'prompts', 'resources']);
    await client.unsubscribeResource({ uri });
    expect(call.cancelled).toBe('unsubscribed');
    await transport.terminateSession();
    await client.close();
  });

  it('gets the result of a call whose stream was cut, by resuming it', async () => {
    const client = new ClientV1({ name: 'v1', version: '1' });
    let cut: (() => void) | undefined;
    const transport = new TransportV1(new URL(relay.url), {
      requestInit: await requestInit(),
      reconnectionOptions: {
        initialReconnectionDelay: 1,
        maxReconnectionDelay: 10,
        reconnectionDelayGrowFactor: 1,
        maxRetries: 5,
      },
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (init?.method !== 'POST' || response.headers.get('content-type') !== 'text/event-stream') return response;
        const pipe = new TransformStream<Uint8Array, Uint8Array>();
        const stop = new AbortController();
        cut = () => stop.abort(new Error('cut'));
        response.body?.pipeTo(pipe.writable, { signal: stop.signal }).catch(() => {});
        return new Response(pipe.readable, { headers: response.headers });
      },
    });
    await client.connect(transport);
    let seen = () => {};
    const progressed = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const calling = client.callTool({ name: 'shell__execute' }, undefined, { onprogress: () => seen() });
    const call = await nextCall();
    call.progress(1, call.request.progressToken ?? '');
    await progressed;
    cut?.();
    call.result(RESULT);
    expect(await calling).toMatchObject({ structuredContent: { n: 1 } });
    await client.close();
  });
});

describe('the client of SDK v2', () => {
  it.each([
    ['legacy', undefined, '2025-11-25'],
    ['auto', { mode: 'auto' }, '2026-07-28'],
    ['pinned', { mode: { pin: '2026-07-28' } }, '2026-07-28'],
  ] as const)('in mode %s lists and calls', async (_name, versionNegotiation, version) => {
    const client = new ClientV2(
      { name: 'v2', version: '1' },
      versionNegotiation === undefined ? {} : { versionNegotiation },
    );
    await client.connect(new TransportV2(new URL(relay.url), { requestInit: await requestInit() }));
    expect(client.getNegotiatedProtocolVersion()).toBe(version);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['status', 'restart', 'shell__execute']);
    const calling = client.callTool({ name: 'shell__execute', arguments: {} });
    (await nextCall()).result(version === '2026-07-28' ? `{"resultType":"complete",${RESULT.slice(1)}` : RESULT);
    expect(await calling).toMatchObject({ structuredContent: { n: 1 } });
    await client.close();
  });
});
