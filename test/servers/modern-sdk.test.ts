import { describe, expect, it } from 'vitest';
import type { RequestContext } from '../../src/agent/servers/types.js';
import { ready, resultOf, textOf } from './harness.js';
import { client, json, sdkOverHttp, sdkOverStdio } from './modern-harness.js';

const signal = new AbortController().signal;
const WATCHED = 'test://watched-resource';

describe.each([
  ['stdio', async () => sdkOverStdio()],
  ['HTTP', sdkOverHttp],
])('§7.1 a server on SDK v2 over %s', (_name, config) => {
  const open = async () => {
    const made = await ready({ one: await config() });
    const request = (method: string, params: object, context: Partial<RequestContext> = {}) =>
      made.servers.request('one', method, json(params), { signal, client: client(), ...context });
    const tool = (name: string, args: object = {}, context: Partial<RequestContext> = {}) =>
      request('tools/call', { name, arguments: args }, context);
    return { ...made, request, tool };
  };

  it('§7.31 offers all its lists, page by page', async () => {
    const { servers, warnings } = await open();
    const offer = servers.offer('one');
    expect(offer?.tools.find(({ name }) => name === 'add')).toMatchObject({ outputSchema: { type: 'object' } });
    expect(offer?.prompts).toHaveLength(5);
    expect(offer?.resources.map(({ uri }) => uri)).toContain('ui://everything/app');
    expect(offer?.resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'test://template/{id}/data',
      'test://files/{+path}',
    ]);
    expect(offer?.capabilities).toMatchObject({ completions: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } });
    expect(warnings).toEqual([]);
  });

  it('answers each primitive', async () => {
    const { request, tool } = await open();
    expect(resultOf(await tool('add', { a: 1, b: 2 }))).toMatchObject({
      resultType: 'complete',
      structuredContent: { sum: 3 },
    });
    expect(textOf(await tool('test_x_mcp_header', { region: 'Zürich' }))).toBe('region Zürich');
    expect(resultOf(await request('prompts/get', { name: 'test_simple_prompt' }))).toHaveProperty('messages');
    expect(resultOf(await request('resources/read', { uri: 'test://files/ä b' }))).toMatchObject({
      contents: [{ text: 'Text of ä b' }],
    });
    const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
    expect(
      resultOf(await request('completion/complete', { ref, argument: { name: 'arg1', value: 'par' } })),
    ).toMatchObject({ completion: { values: ['paris', 'park', 'party'] } });
    expect(resultOf(await request('fixture/echo', { value: { own: [1] } }))).toMatchObject({ echoed: { own: [1] } });
    expect(await request('resources/read', { uri: 'test://none' })).toMatchObject({ error: { code: -32602 } });
    expect(await request('own/unknown', {})).toMatchObject({ kind: 'error', error: { code: -32601 } });
  });

  it('§7.16 asks by its result, and is told in a new request', async () => {
    const { request } = await open();
    const context = { client: client({ capabilities: { elicitation: { form: {} } } }) };
    const params = { name: 'test_input_required_result_request_state', arguments: {} };
    const asked = resultOf(await request('tools/call', params, context));
    expect(asked).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
    const { requestState } = asked;
    const inputResponses = { confirm: { action: 'accept', content: { ok: true } } };
    const done = await request('tools/call', { ...params, inputResponses, requestState }, context);
    expect(textOf(done)).toBe('state-ok');
  });

  it('§7.18 refuses what the client cannot do', async () => {
    const { tool } = await open();
    const from = client({ capabilities: { sampling: {} } });
    expect(await tool('test_input_required_result_sampling', {}, { client: from })).toMatchObject({
      kind: 'error',
      error: { code: -32021 },
    });
  });

  it('§7.24 §7.35 tells of progress and log lines as it works', async () => {
    const { tool } = await open();
    const progress: unknown[] = [];
    const logs: unknown[] = [];
    await tool('test_tool_with_progress', {}, { onProgress: (params) => progress.push(params.progress) });
    await tool('test_tool_with_logging', {}, { logLevel: 'info', onLog: (params) => logs.push(params.level) });
    await tool('test_tool_with_logging', {}, { logLevel: 'error', onLog: (params) => logs.push(params.level) });
    await tool('test_tool_with_logging', {}, { onLog: (params) => logs.push(params.level) });
    expect(progress).toEqual([0, 50, 100]);
    expect(logs).toEqual(['info', 'info', 'info']);
  });

  it('§7.23 hears once that nobody waits any more', async () => {
    const { tool } = await open();
    const abort = new AbortController();
    const waiting = tool(
      'wait',
      { key: 'k' },
      { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) },
    );
    await expect(waiting).rejects.toThrow('enough');
    const counted = async () => JSON.parse(textOf(await tool('counters', { key: 'k' })));
    await expect.poll(async () => (await counted()).cancelled).toBe(1);
    expect(await counted()).toEqual({ started: 1, finished: 0, cancelled: 1 });
  });

  it('§7.28 tells listeners of changes, and us too', async () => {
    const { request, tool, catalog, servers } = await open();
    const told: string[] = [];
    const abort = new AbortController();
    const filter = { toolsListChanged: true, resourceSubscriptions: [WATCHED] };
    const listening = request(
      'subscriptions/listen',
      { notifications: filter },
      {
        lasting: true,
        signal: abort.signal,
        onNotification: (method) => void told.push(method),
      },
    );
    await expect.poll(() => told).toEqual(['notifications/subscriptions/acknowledged']);
    const before = servers.offer('one')?.tools.length ?? 0;
    await tool('touch');
    await tool('test_trigger_tool_change');
    expect(await catalog((offer) => offer !== undefined && offer.tools.length !== before)).toBeDefined();
    await expect
      .poll(() => told.slice(1))
      .toEqual(['notifications/resources/updated', 'notifications/tools/list_changed']);
    abort.abort(new Error('gone'));
    await expect(listening).rejects.toThrow('gone');
  });
});
