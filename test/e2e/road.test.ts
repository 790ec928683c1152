import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UnauthorizedError as AiUnauthorized, auth as aiAuth, createMCPClient } from '@ai-sdk/mcp';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signInThroughBrowser, startBrowser, type TestBrowser } from '../helpers/browser.js';
import { MemoryOAuth, type SignIn, textOf } from '../helpers/clients.js';
import { everything, filesystem, gated, PASSWORD, System } from '../helpers/system.js';
import { Gate } from './gate.js';

let system: System;
let chromium: TestBrowser;
let more: string;

beforeAll(async () => {
  [system, chromium] = await Promise.all([System.start(), startBrowser()]);
  const files = join(system.path, 'files');
  await mkdir(files);
  await writeFile(join(files, 'hello.txt'), 'Hello from a file.\n');
  more = join(system.path, 'more-tools');
  await writeFile(more, '');
  await system.agent({ servers: { files: filesystem(files), everything: everything(), work: gated({ more }) } });
});

afterAll(async () => {
  await chromium?.close();
  await system?.[Symbol.asyncDispose]();
});

/** A person at a browser of their own: our consent page, the provider's form, and back at the client. */
const inChromium: SignIn = async (url) => {
  const page = await chromium.newPage();
  const until = new URL(url).searchParams.get('redirect_uri') ?? '';
  await signInThroughBrowser(page, { url, user: 'alice', password: PASSWORD, until });
  await page.getByRole('heading', { name: 'signed in' }).waitFor();
  await page.context().close();
};

/** Words of a sentence each client gives a tool. */
const echo = { name: 'everything__echo', arguments: { message: 'there and back' } };

describe('the client of SDK v1', () => {
  async function connected(provider: MemoryOAuth): Promise<Client> {
    const client = new Client({ name: 'v1', version: '1.0.0' });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(system.endpoint), {
        authProvider: provider,
        reconnectionOptions: {
          initialReconnectionDelay: 10,
          maxReconnectionDelay: 100,
          reconnectionDelayGrowFactor: 1,
          maxRetries: 10,
        },
      }),
    );
    return client;
  }

  test('§7.5 signs in from its first 401 on, and uses all that tools have', async () => {
    await using gate = await Gate.open();
    await using provider = await MemoryOAuth.start(inChromium);
    const first = new StreamableHTTPClientTransport(new URL(system.endpoint), { authProvider: provider });
    const unauthorized = new Client({ name: 'v1', version: '1.0.0' }).connect(first);
    await expect(unauthorized).rejects.toBeInstanceOf(UnauthorizedError);
    // Without `iss` some clients refuse the answer (RFC 9207).
    expect(provider.answer.get('iss')).toBe(system.url);
    await first.finishAuth(provider.code);
    const client = await connected(provider);
    try {
      expect(client.getServerVersion()).toMatchObject({ name: 'mcp-local-tunnel' });
      await client.ping();

      const { tools } = await client.listTools();
      const byName = new Map(tools.map((tool) => [tool.name, tool]));
      expect([...byName.keys()]).toEqual(
        expect.arrayContaining(['status', 'restart', 'everything__echo', 'files__read_text_file', 'work__gate']),
      );
      expect(byName.get('everything__get-structured-content')).toMatchObject({
        title: 'everything: Get Structured Content Tool',
        annotations: { readOnlyHint: true },
        outputSchema: { properties: { temperature: { type: 'number' } } },
      });

      expect(await client.callTool(echo)).toMatchObject({ content: [{ type: 'text', text: 'Echo: there and back' }] });
      const path = join(system.path, 'files', 'hello.txt');
      expect(await client.callTool({ name: 'files__read_text_file', arguments: { path } })).toMatchObject({
        content: [{ text: 'Hello from a file.\n' }],
      });
      const image = await client.callTool({ name: 'everything__get-tiny-image' });
      expect(image.content).toMatchObject([
        { type: 'text' },
        { type: 'image', mimeType: 'image/png', data: expect.stringMatching(/^iVBORw0KGgo/) },
        { type: 'text' },
      ]);
      const city = { name: 'everything__get-structured-content', arguments: { location: 'Chicago' } };
      expect(await client.callTool(city)).toMatchObject({ structuredContent: { temperature: 36, humidity: 82 } });

      const steps: unknown[] = [];
      const long = { name: 'everything__trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } };
      await client.callTool(long, undefined, { onprogress: ({ progress, total }) => steps.push([progress, total]) });
      expect(steps).toEqual([
        [1, 3],
        [2, 3],
        [3, 3],
      ]);

      // A tool's own failure is a result; what the tool never saw is an error.
      const missing = { name: 'files__read_text_file', arguments: { path: join(path, 'none') } };
      expect(await client.callTool(missing)).toMatchObject({ isError: true });
      await expect(client.callTool({ name: 'files__nothing' })).rejects.toMatchObject({
        code: -32602,
        message: expect.stringContaining('Unknown tool: files__nothing'),
      });

      const logged = new Promise((resolve) => {
        client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => resolve(params));
      });
      await client.setLoggingLevel('warning');
      await client.callTool({ name: 'work__log', arguments: { word: 'plum' } });
      expect(await logged).toMatchObject({ level: 'error', data: { word: 'plum' } });

      const cancel = new AbortController();
      const held = { name: 'work__gate', arguments: { url: gate.url } };
      const cancelled = client.callTool(held, undefined, { signal: cancel.signal });
      const call = await gate.next();
      cancel.abort('changed my mind');
      await expect(cancelled).rejects.toThrow('changed my mind');
      expect(await call.given).toBe('given up');
    } finally {
      await client.close();
    }
    // Signed in once, it stays so: with its refresh token, too.
    provider.saveTokens({ ...provider.tokens(), access_token: 'spoiled', token_type: 'Bearer' });
    const again = await connected(provider);
    expect(provider.tokens()?.access_token).not.toBe('spoiled');
    expect(await again.callTool({ name: 'status' })).toMatchObject({
      structuredContent: { devices: [{ name: 'laptop', presence: 'online' }] },
    });
    await again.close();
  });

  test('hears of other tools when a server has restarted', async () => {
    await using client = await system.client('alice', { manage: true });
    await client.listed('work__gate');
    const changed = new Promise<void>((resolve) => {
      client.sdk.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve());
    });
    await writeFile(more, 'plum\n');
    const restarted = await client.call('restart', { server: 'work' });
    expect(restarted).toMatchObject({
      structuredContent: { devices: [{ name: 'laptop', servers: [{ name: 'work', status: 'ready', tools: 10 }] }] },
    });
    expect(restarted.isError ?? false).toBe(false);
    await changed;
    await client.listed('work__plum');
    expect(textOf(await client.call('work__whoami'))).toContain('pid');
  });
});

describe('the client of SDK v2', () => {
  test.each([
    ['by default', {}, '2025-11-25'],
    ['in mode auto', { versionNegotiation: { mode: 'auto' } }, '2026-07-28'],
  ] as const)('%s signs in, lists and calls', async (_name, options, version) => {
    await using provider = await MemoryOAuth.start(inChromium);
    const endpoint = new URL(system.endpoint);
    const first = new TransportV2(endpoint, { authProvider: provider });
    const unauthorized = new ClientV2({ name: 'v2', version: '1.0.0' }, options).connect(first);
    await expect(unauthorized).rejects.toBeInstanceOf(UnauthorizedV2);
    await first.finishAuth(provider.answer);
    const client = new ClientV2({ name: 'v2', version: '1.0.0' }, options);
    await client.connect(new TransportV2(endpoint, { authProvider: provider }));
    expect(client.getNegotiatedProtocolVersion()).toBe(version);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('everything__echo');
    expect(await client.callTool(echo)).toMatchObject({ content: [{ text: 'Echo: there and back' }] });
    const city = { name: 'everything__get-structured-content', arguments: { location: 'New York' } };
    expect(await client.callTool(city)).toMatchObject({ structuredContent: { temperature: 33 } });
    const steps: number[] = [];
    const long = { name: 'everything__trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } };
    await client.callTool(long, { onprogress: ({ progress }) => steps.push(progress) });
    expect(steps).toEqual([1, 2]);
    await client.close();
  });
});

test('the client of the AI SDK signs in, lists and calls', async () => {
  await using provider = await MemoryOAuth.start(inChromium);
  const transport = { type: 'http', url: system.endpoint, authProvider: provider } as const;
  await expect(createMCPClient({ transport })).rejects.toBeInstanceOf(AiUnauthorized);
  await aiAuth(provider, { serverUrl: system.endpoint, authorizationCode: provider.code });
  const client = await createMCPClient({ transport });
  try {
    const tools = await client.tools();
    const call = async (name: string, input: object) => tools[name]?.execute(input, { toolCallId: name, messages: [] });
    expect(await call('everything__echo', echo.arguments)).toMatchObject({
      content: [{ text: 'Echo: there and back' }],
    });
    expect(await call('everything__get-tiny-image', {})).toMatchObject({ content: [{}, { type: 'image' }, {}] });
    expect(await call('work__fail', {})).toMatchObject({ isError: true, content: [{ text: 'it went wrong' }] });
    const path = join(system.path, 'files', 'hello.txt');
    expect(await call('files__read_text_file', { path })).toMatchObject({
      content: [{ text: 'Hello from a file.\n' }],
    });
  } finally {
    await client.close();
  }
});
