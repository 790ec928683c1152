import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClaudeSession } from './claude.js';
import { clients, hosts } from './hosts.js';
import { startModel } from './model.js';
import { configureOpencode } from './opencode.js';
import { Place } from './place.js';
import { startTunnel, type Tunnel } from './tunnel.js';

const waiting = { timeout: 40_000, interval: 100 };
const ECHO = 'everything__echo';

let place: Place;
let tunnel: Tunnel;

beforeAll(async () => {
  place = await Place.make();
  tunnel = await startTunnel(place);
  const [node = '', ...agent] = tunnel.agent;
  const running = place.start('agent', node, [...agent, '--foreground']);
  await Promise.all([running.says(/online at/), running.says(/server everything ready/)]);
});

afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
});

test('opencode: finds the login, logs in, is connected, its model calls a tool', async () => {
  await using model = await startModel(`tunnel_${ECHO}`, { message: 'from a model' });
  const { baseURL } = model;
  await configureOpencode(place, 'opencode', {
    mcp: { tunnel: { type: 'remote', url: tunnel.endpoint } },
    provider: {
      local: { npm: '@ai-sdk/openai-compatible', options: { baseURL, apiKey: 'none' }, models: { scripted: {} } },
    },
  });
  const list = () => place.run('opencode', hosts.opencode, ['mcp', 'list']);
  expect((await list()).output).toMatch(/tunnel needs authentication/);
  expect(await place.run('opencode', hosts.opencode, ['mcp', 'auth', 'tunnel'])).toMatchObject({
    status: 0,
    output: expect.stringContaining('Authentication successful!'),
  });
  expect((await list()).output).toMatch(/✓ tunnel connected/);
  const ran = await place.run('opencode', hosts.opencode, ['run', '--model', 'local/scripted', 'Call the tool.']);
  expect(ran).toMatchObject({ status: 0, output: expect.stringContaining('That is all.') });
  expect(model.results).toContain('Echo: from a model');
});

describe('Claude Code', () => {
  const claude = (...args: string[]) => place.run('claude', hosts.claude, ['mcp', ...args]);

  /** From "needs authentication" to a tool call; the client id it used. */
  async function signInAndCall(server: string): Promise<string | undefined> {
    expect((await claude('list')).output).toMatch(new RegExp(`^${server}: .* Needs authentication$`, 'm'));
    const login = place.startAtTerminal('claude', hosts.claude, ['mcp', 'login', server]);
    await login.says(new RegExp(`Authenticated with "${server}"`));
    expect(await login.ended).toBe(0);
    expect((await claude('list')).output).toMatch(new RegExp(`^${server}: .* ✔ Connected$`, 'm'));

    const session = new ClaudeSession(place, 'claude');
    const tools = async () => {
      const servers = await session.servers();
      return servers.find(({ name }) => name === server)?.tools?.map(({ name }) => name);
    };
    await expect.poll(tools, waiting).toEqual(expect.arrayContaining(['status', 'restart', ECHO]));
    expect(await session.call(server, ECHO, { message: 'hello' })).toMatchObject({
      content: [{ type: 'text', text: 'Echo: hello' }],
    });
    await session.leave();
    return place.signedIn.at(-1);
  }

  test('finds the login, logs in by its metadata document, calls a tool', async () => {
    const added = await claude('add', '--scope', 'user', '--transport', 'http', 'tunnel', tunnel.endpoint);
    expect(added).toMatchObject({ status: 0 });
    expect(await signInAndCall('tunnel')).toBe('https://claude.ai/oauth/claude-code-client-metadata');
  });

  test('logs in by a registration, as where the relay has no way out', async () => {
    const callback = 'http://localhost:3118/callback';
    const response = await fetch(`${tunnel.url}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [callback], token_endpoint_auth_method: 'none' }),
    });
    const { client_id } = (await response.json()) as { client_id: string };
    const given = ['--client-id', client_id, '--callback-port', new URL(callback).port];
    await claude('add', '--transport', 'http', ...given, 'registered', tunnel.endpoint);
    expect(await signInAndCall('registered')).toBe(client_id);
  });
});

test('mcp-remote: carries a stdio client through login to a tool call', async () => {
  const transport = new StdioClientTransport({
    command: clients.mcpRemote,
    args: [tunnel.endpoint],
    env: { ...place.env },
    cwd: place.project('mcp-remote'),
    stderr: 'ignore',
  });
  const client = new Client({ name: 'behind mcp-remote', version: '1.0.0' });
  try {
    await client.connect(transport);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain(ECHO);
    expect(await client.callTool({ name: ECHO, arguments: { message: 'by way of mcp-remote' } })).toMatchObject({
      content: [{ type: 'text', text: 'Echo: by way of mcp-remote' }],
    });
  } finally {
    await client.close();
  }
});

test('mcp-cli: logs in and calls a tool from its menu', async () => {
  const cli = place.startAtTerminal('mcp-cli', clients.mcpCli, ['--url', tunnel.endpoint]);
  await cli.says(/Pick a primitive/);
  // Its lists come in any order, so what stands above the tool is not known.
  const selected = () => [...cli.output.matchAll(/❯\s+([\w-]+\([^)]*\))/g)].at(-1)?.[1];
  await expect.poll(selected, waiting).toBeDefined();
  for (let at = selected(); at !== `tool(${ECHO})`; at = selected()) {
    cli.type('\x1b[B');
    await expect.poll(selected, waiting).not.toBe(at);
  }
  cli.type('\r');
  await cli.says(/\* message ›/);
  cli.type('from the menu\r');
  await cli.says(/Echo: from the menu/);
});
