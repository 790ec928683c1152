import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type CallToolResult, CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { System } from '../helpers/system.js';

const AWKWARD = fileURLToPath(new URL('fixtures/awkward-server.mjs', import.meta.url));
const COUNT = 8000;

let system: System;
const clients: Client[] = [];

beforeAll(async () => {
  system = await System.start();
  await system.agent({ servers: { data: { command: [process.execPath, AWKWARD] } } });
});

afterAll(async () => {
  for (const client of clients) await client.close();
  await system?.[Symbol.asyncDispose]();
});

/** A client that calls itself so. */
async function connect(name: string, path = ''): Promise<Client> {
  const client = new Client({ name, version: '1.0.0' });
  clients.push(client);
  const requestInit = { headers: { Authorization: `Bearer ${await system.token()}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(system.endpoint + path), { requestInit }));
  return client;
}

/** As the SDK calls a tool: with a check of its output against the schema that was listed. */
const call = async (client: Client, name: string, args: Record<string, unknown>): Promise<CallToolResult> =>
  CallToolResultSchema.parse(await client.callTool({ name, arguments: args }));
const textOf = ({ content }: CallToolResult): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');

describe('a client that is known', () => {
  test('reads a long result to its end', async () => {
    const client = await connect('claude-ai');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['data__rows', 'read_more']));
    let shown = textOf(await call(client, 'data__rows', { count: COUNT }));
    let whole = '';
    for (;;) {
      expect(shown.length).toBeLessThanOrEqual(150_000);
      const cut = shown.lastIndexOf('\n\n[');
      whole += shown.slice(0, cut < 0 ? undefined : cut);
      const next = /read_more with (\{.*?\})/.exec(shown.slice(cut))?.[1];
      if (next === undefined) break;
      shown = textOf(await call(client, 'read_more', JSON.parse(next)));
    }
    const { rows } = JSON.parse(whole);
    expect(rows).toHaveLength(COUNT);
    expect(rows.at(-1)).toEqual({ row: COUNT - 1, text: `row ${COUNT - 1} 🙂` });
  });

  test('gets a short result whole, with its structure', async () => {
    const client = await connect('claude-ai');
    await client.listTools();
    const { structuredContent } = await call(client, 'data__rows', { count: 1 });
    expect(structuredContent).toEqual({ rows: [{ row: 0, text: 'row 0 🙂' }] });
  });

  test('is shown schemas that its model takes', async () => {
    const client = await connect('claude-code');
    const tool = (await client.listTools()).tools.find(({ name }) => name === 'data__rows');
    const count = { type: 'integer', exclusiveMinimum: 0 };
    expect(tool?.inputSchema).toEqual({
      type: 'object',
      properties: {
        count,
        all: { type: 'boolean' },
        pair: { type: 'array', prefixItems: [{ type: 'string' }, count] },
      },
    });
    expect(tool?.description).toBe(
      'Gives so many rows.\n\nArguments, one of: (count) or (all). Arguments that this client cannot give: "at<".',
    );
  });

  test('is told what is missing to make a picture smaller', async () => {
    const { content } = await call(await connect('claude-ai'), 'data__picture', {});
    expect(content.map(({ type }) => type)).toEqual(['image', 'text']);
    expect(content[1]).toMatchObject({ text: expect.stringContaining('npm install sharp') });
  });

  test('gets everything as it is at the endpoint of the server', async () => {
    const client = await connect('claude-ai', '/laptop/data');
    const { tools } = await client.listTools();
    expect(tools[0]?.inputSchema).toHaveProperty('oneOf');
    expect(JSON.parse(textOf(await call(client, 'rows', { count: COUNT }))).rows).toHaveLength(COUNT);
    expect((await call(client, 'picture', {})).content).toHaveLength(1);
  });
});

test('a client that is not known gets everything as it is', async () => {
  const client = await connect('some-client');
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).not.toContain('read_more');
  expect(tools.find(({ name }) => name === 'data__rows')?.inputSchema).toHaveProperty('oneOf');
  expect(JSON.parse(textOf(await call(client, 'data__rows', { count: COUNT }))).rows).toHaveLength(COUNT);
});

test('a device whose owner wants none of it gives every client everything', async () => {
  const servers = { data: { command: [process.execPath, AWKWARD] } };
  const machine = await system.machine({ name: 'plain', servers });
  await machine.write({ relay: system.url, name: 'plain', servers, clientFit: false });
  await machine.login();
  await machine.up();
  const client = await connect('claude-ai', '/plain');
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).not.toContain('read_more');
  expect(tools.find(({ name }) => name === 'data__rows')?.inputSchema).toHaveProperty('oneOf');
  expect(JSON.parse(textOf(await call(client, 'data__rows', { count: COUNT }))).rows).toHaveLength(COUNT);
});
