import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { McpError, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { obtainTokens, TestClient } from '../helpers/clients.js';
import type { Program } from '../helpers/program.js';
import { everything, everythingCommand, gated, System } from '../helpers/system.js';

let system: System;
let desk: Program;
let direct: Client;
let tunnelled: TestClient;

beforeAll(async () => {
  system = await System.start({ limits: { resumeSeconds: 1 } });
  await system.agent({ servers: { everything: everything() } });
  ({ agent: desk } = await system.agent({ name: 'desk', servers: { work: gated() } }));
  const [command, ...args] = everythingCommand();
  // What the agent declares to its servers; this one shows more tools to a client that can be asked.
  const capabilities = { elicitation: { form: {}, url: {} } };
  direct = new Client({ name: 'test', version: '1.0.0' }, { capabilities });
  await direct.connect(new StdioClientTransport({ command, args, stderr: 'ignore' }));
  tunnelled = await TestClient.connect(`${system.endpoint}/laptop/everything`, await system.token());
});

afterAll(async () => {
  await direct?.close();
  await tunnelled?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
});

/** A result with every field, or an error; the server's own clock reads the same to both. */
async function answer(client: Client, method: string, params?: Record<string, unknown>): Promise<unknown> {
  try {
    const result = await client.request({ method, ...(params === undefined ? {} : { params }) }, ResultSchema);
    return JSON.parse(JSON.stringify(result).replaceAll(/\d+:\d\d:\d\d [AP]M/g, 'now'));
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    return { code: error.code, message: error.message, data: error.data };
  }
}

describe('the endpoint of server-everything, beside the server itself', () => {
  test('says the same of itself', () => {
    expect(tunnelled.sdk.getServerVersion()).toEqual(direct.getServerVersion());
    expect(tunnelled.sdk.getInstructions()).toBe(direct.getInstructions());
    expect(tunnelled.sdk.getServerCapabilities()).toEqual(direct.getServerCapabilities());
    expect(tunnelled.sdk.getServerCapabilities()).toMatchObject({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      completions: {},
      logging: {},
      tasks: { requests: { tools: { call: {} } } },
    });
  });

  test('offers tasks to clients of their revision alone', async () => {
    const tasksAt = async (protocolVersion: string) => {
      const clientInfo = { name: 'test', version: '1.0.0' };
      const response = await fetch(`${system.endpoint}/laptop/everything`, {
        method: 'POST',
        headers: {
          accept: 'application/json, text/event-stream',
          authorization: `Bearer ${await system.token()}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: { protocolVersion, capabilities: {}, clientInfo },
        }),
      });
      const { result } = JSON.parse((await response.text()).replace(/^[\s\S]*\ndata: (?=\{)/, ''));
      expect(result.protocolVersion).toBe(protocolVersion);
      expect(result.capabilities.tools).toEqual({ listChanged: true });
      return result.capabilities.tasks;
    };
    expect(await tasksAt('2025-11-25')).toEqual(direct.getServerCapabilities()?.tasks);
    expect(await tasksAt('2025-06-18')).toBeUndefined();
  });

  test('lists the same tools, field by field', async () => {
    const listed = await answer(direct, 'tools/list');
    expect(listed).toMatchObject({
      tools: expect.arrayContaining([
        expect.objectContaining({ name: 'simulate-research-query', execution: { taskSupport: 'required' } }),
        expect.objectContaining({ name: 'trigger-url-elicitation' }),
      ]),
    });
    expect(await answer(tunnelled.sdk, 'tools/list')).toEqual(listed);
  });

  test.each<[string, Record<string, unknown>?]>([
    ['prompts/list'],
    ['prompts/get', { name: 'simple-prompt' }],
    ['prompts/get', { name: 'args-prompt', arguments: { city: 'Chicago', state: 'IL' } }],
    ['prompts/get', { name: 'resource-prompt', arguments: { resourceType: 'Text', resourceId: '1' } }],
    ['prompts/get', { name: 'none' }],
    ['resources/list'],
    ['resources/templates/list'],
    ['resources/read', { uri: 'demo://resource/dynamic/text/1' }],
    ['resources/read', { uri: 'demo://resource/static/document/features.md' }],
    ['resources/read', { uri: 'demo://none' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'completable-prompt' }, argument: { name: 'department', value: 'S' } },
    ],
    [
      'completion/complete',
      {
        ref: { type: 'ref/prompt', name: 'completable-prompt' },
        argument: { name: 'name', value: '' },
        context: { arguments: { department: 'Sales' } },
      },
    ],
    [
      'completion/complete',
      {
        ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
        argument: { name: 'resourceId', value: '1' },
      },
    ],
    ['tools/call', { name: 'echo', arguments: { message: 'there and back' } }],
    ['tools/call', { name: 'get-tiny-image', arguments: {} }],
    ['tools/call', { name: 'get-structured-content', arguments: { location: 'Chicago' } }],
    ['tools/call', { name: 'get-annotated-message', arguments: { messageType: 'error', includeImage: true } }],
    ['tools/call', { name: 'get-resource-links', arguments: { count: 3 } }],
    ['tools/call', { name: 'get-resource-reference', arguments: { resourceType: 'Text', resourceId: 1 } }],
    ['tools/call', { name: 'simulate-research-query', arguments: { topic: 'plums' } }],
    ['tools/call', { name: 'none', arguments: {} }],
    ['acme/unheard-of', { a: 1 }],
    ['ping'],
  ])('answers %s %j as the server does', async (method, params) => {
    const own = await answer(direct, method, params);
    expect(await answer(tunnelled.sdk, method, params)).toEqual(own);
  });

  test('streams the progress of a call', async () => {
    const steps: unknown[] = [];
    const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } };
    await tunnelled.sdk.callTool(long, undefined, {
      onprogress: ({ progress, total }) => steps.push([progress, total]),
    });
    expect(steps).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });
});

test('the endpoint of a device has its tools without the device’s name, of two devices', async () => {
  await using all = await system.client();
  await all.listed('laptop__everything__echo', 'desk__work__whoami');
  await using client = await TestClient.connect(`${system.endpoint}/desk`, await system.token());
  const listed = await client.names();
  expect(listed).toEqual(expect.arrayContaining(['restart', 'status', 'work__whoami']));
  expect(listed.filter((name) => name.includes('everything'))).toEqual([]);
  expect(await client.text('work__whoami')).toContain('pid');
  expect(await client.text('desk__work__whoami')).toContain('pid');
  await expect(client.call('laptop__everything__echo')).rejects.toThrow('Unknown tool');
  expect((await client.call('status')).structuredContent).toMatchObject({ devices: [{ name: 'desk' }] });
});

test('a client of one device signs in for that device, and its token opens nothing else', async () => {
  const own = `${system.endpoint}/laptop`;
  const { access_token: token } = await obtainTokens(own, (url) => system.signIn(url));
  for (const endpoint of [own, `${own}/everything`]) {
    await using client = await TestClient.connect(endpoint, token);
    await client.sdk.ping();
  }
  for (const endpoint of [system.endpoint, `${system.endpoint}/desk`]) {
    await expect(TestClient.connect(endpoint, token)).rejects.toThrow();
  }
});

test('the endpoint of a server whose device has dropped off opens, and says to lists and calls alike that it is offline', async () => {
  const endpoint = `${system.endpoint}/desk/work`;
  await using before = await TestClient.connect(endpoint, await system.token());
  expect(await before.names()).toContain('whoami');
  desk.kill('SIGKILL');
  await expect.poll(() => before.text('whoami')).toMatch(/desk is offline since .* was not run.*safe to retry/);
  await using client = await TestClient.connect(endpoint, await system.token());
  expect(client.sdk.getServerVersion()).toEqual(before.sdk.getServerVersion());
  for (const method of ['tools/list', 'acme/any']) {
    await expect(client.sdk.request({ method }, ResultSchema)).rejects.toMatchObject({
      code: -32603,
      message: expect.stringMatching(/desk is offline since .* was not run.*safe to retry/),
    });
  }
});
