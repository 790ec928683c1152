import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { StdioTransport } from '../../src/agent/servers/stdio/stdio-transport.js';
import { agentEnvironment } from '../../src/config/environment.js';
import { fixture, logged, nodeModule, ready, resultOf, scripted, tempFolder, textOf } from './harness.js';

describe('real servers', () => {
  it('starts published servers side by side and calls a tool of each', async () => {
    const folder = await tempFolder();
    const { servers, call } = await ready({
      everything: {
        command: [process.execPath, nodeModule('@modelcontextprotocol/server-everything/dist/index.js')],
        env: {},
        disabled: false,
      },
      files: {
        command: [process.execPath, nodeModule('@modelcontextprotocol/server-filesystem/dist/index.js'), folder],
        env: {},
        disabled: false,
      },
    });
    expect(servers.states().map((state) => [state.name, state.status, state.protocolVersion])).toEqual([
      ['everything', 'ready', '2025-11-25'],
      ['files', 'ready', '2025-11-25'],
    ]);
    expect(textOf(await call('everything', 'echo', { message: 'hello' }))).toContain('hello');
    expect(textOf(await call('files', 'write_file', { path: join(folder, 'a.txt'), content: 'x' }))).toContain(
      'Successfully',
    );
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('x');
    const echo = servers.offer('everything')?.tools.find((tool) => tool.name === 'echo');
    expect(echo).toMatchObject({ title: expect.any(String), inputSchema: { type: 'object' } });
    expect(servers.offer('everything')?.instructions).toBeTypeOf('string');
  });
});

describe.skipIf(process.platform === 'win32')('commands', () => {
  it('may be npx', async () => {
    const { servers, call } = await ready({
      one: { command: ['npx', '--no', 'mcp-server-everything'], env: {}, cwd: nodeModule('..'), disabled: false },
    });
    expect(servers.states()[0]).toMatchObject({ status: 'ready', problem: undefined });
    expect(JSON.parse(textOf(await call('one', 'get-env'))).npm_lifecycle_event).toBe('npx');
  });

  it('are found where a login shell finds them', async () => {
    const folder = await tempFolder();
    await mkdir(join(folder, 'tools'));
    const script = join(folder, 'tools', 'my-server');
    await writeFile(script, `#!/bin/sh\nexec '${process.execPath}' '${fixture('stdio-server.mjs')}'\n`);
    await chmod(script, 0o755);
    await writeFile(join(folder, '.profile'), `PATH="${join(folder, 'tools')}:$PATH"\n`);
    const command = { command: ['my-server'] as const, env: {}, disabled: false };
    const environment = agentEnvironment({ PATH: '/usr/bin:/bin', HOME: folder, SHELL: '/bin/sh' });
    const { servers } = await ready({ one: command, two: command }, { environment });
    expect(servers.states().map((state) => state.status)).toEqual(['ready', 'ready']);
  });
});

describe('a stdio transport', () => {
  it('reads nothing while paused', async () => {
    const { command } = scripted();
    const options = { command, env: {}, messageBytes: 1_000_000, platform: process.platform };
    const transport = new StdioTransport(options);
    const messages: string[] = [];
    await transport.start({ message: (json) => messages.push(json.toString()), failed: () => {}, ended: () => {} });
    transport.pause();
    await transport.send(Buffer.from('{"id":1,"method":"tools/call","params":{"name":"tell"}}'), {});
    await vi.waitFor(() => expect(transport.lastWords()).toEqual(['told']), { timeout: 10_000 });
    expect(messages).toEqual([]);
    transport.resume();
    await vi.waitFor(() => expect(messages).toHaveLength(1), { timeout: 10_000 });
    await transport.close();
  });

  it('leaves nothing behind for each message that its server reads slowly', async () => {
    const warnings: string[] = [];
    const warned = ({ name }: Error) => void warnings.push(name);
    process.on('warning', warned);
    const command = [process.execPath, '-e', 'process.stdin.resume()'] as const;
    const transport = new StdioTransport({ command, env: {}, messageBytes: 1_000_000, platform: process.platform });
    await transport.start({ message: () => {}, failed: () => {}, ended: () => {} });
    // Each is more than a pipe takes at once.
    for (let n = 0; n < 20; n += 1) expect(await transport.send(Buffer.alloc(1_000_000, ' '), {})).toBe(true);
    await transport.close();
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });
});

describe('a stdio server', () => {
  it('is greeted as the specification says', async () => {
    const folder = await tempFolder();
    const log = join(folder, 'log');
    const { servers } = await ready({ one: scripted({ log }) });
    await servers.close();
    const lines = await logged(log);
    expect(lines[0]?.method).toBe('server/discover');
    expect(lines[1]).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: expect.any(Object),
        clientInfo: { name: 'test', version: '0.0.0' },
      },
    });
    expect(lines[2]).toEqual({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect(lines[3]?.method).toBe('tools/list');
    expect(servers.states()[0]).toMatchObject({ status: 'stopped', starts: 1 });
  });

  it.each(['2024-11-05', '2025-03-26', '2025-06-18'])('may speak %s', async (version) => {
    const { servers } = await ready({ one: scripted({ version }) });
    expect(servers.states()[0]).toMatchObject({ status: 'ready', protocolVersion: version, tools: 1 });
    expect(servers.offer('one')).toMatchObject({ protocolVersion: version, instructions: 'Be kind.' });
  });

  it('may not speak another', async () => {
    const { states } = await ready({ one: scripted({ version: '1999-01-01' }) });
    expect(states.find((state) => state.status === 'failed')).toMatchObject({
      reason: 'bad_protocol',
      problem: expect.stringContaining('speaks MCP 1999-01-01, this agent speaks 2025-11-25'),
    });
  });

  it('gets params and gives results byte for byte', async () => {
    const folder = await tempFolder();
    const log = join(folder, 'log');
    const { servers, call } = await ready({ one: scripted({ log }) });
    const result = '{"n":123456789012345678901234567890,\t"f":1.0,"u":"\\u00e9é","content":[]}';
    const outcome = await call('one', 'raw', { result });
    expect(outcome.kind === 'result' && Buffer.from(outcome.json).toString()).toBe(result);
    const params =
      '{"name":"echo","arguments":{"n":98765432109876543210,"f":1.50}, "_meta":{"progressToken":"theirs","x/y":1}}';
    await servers.request('one', 'tools/call', Buffer.from(params), { signal: new AbortController().signal });
    expect(await readFile(log, 'utf8')).toContain(
      '{"name":"echo","arguments":{"n":98765432109876543210,"f":1.50}, "_meta":{"x/y":1}}',
    );
  });

  it('gives its own errors with their data', async () => {
    const { call } = await ready({ one: scripted() });
    expect(await call('one', 'nope')).toEqual({
      kind: 'error',
      error: { code: -32602, message: 'Unknown tool: nope', data: { n: 1 } },
    });
  });

  it('may print garbage, which is skipped and told once', async () => {
    const { call, warnings } = await ready({
      one: scripted({ garbage: ['Server listening!', '', '{"a":1}', '[]', '\u001b[31m'] }),
    });
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
    expect(warnings).toEqual(['writes lines to stdout that are not MCP; they are skipped']);
  });

  it('may answer in batches, with questions of its own between', async () => {
    const { call } = await ready({ one: scripted({ batch: true, version: '2025-03-26' }) });
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
  });

  it('is refused what we do not offer', async () => {
    const { call } = await ready({ one: scripted() });
    expect(resultOf(await call('one', 'ask'))).toMatchObject({ refused: { code: -32601 } });
  });

  it('gets what it needs of the environment and no secret', async () => {
    const environment = agentEnvironment({
      PATH: process.env.PATH,
      HOME: '/home/me',
      AWS_SECRET: 'canary',
      LANG: 'C.UTF-8',
    });
    const { call } = await ready({ one: scripted({}, { env: { TOKEN: 'mine' } }) }, { environment });
    const seen = JSON.parse(textOf(await call('one', 'env')));
    expect(seen).toMatchObject({ HOME: '/home/me', TOKEN: 'mine', LANG: 'C.UTF-8' });
    expect(JSON.stringify(seen)).not.toContain('canary');
  });

  it('runs in its folder, its arguments untouched by any shell', async () => {
    const folder = await tempFolder();
    const { call } = await ready({
      one: scripted(
        { tools: [{ name: '$(touch pwned); `touch pwned`', inputSchema: {} }] },
        { cwd: folder, env: { X: '$HOME' } },
      ),
    });
    const seen = JSON.parse(textOf(await call('one', 'env')));
    expect(seen.X).toBe('$HOME');
    await expect(readFile(join(folder, 'pwned'))).rejects.toThrow();
  });
});

describe('large messages', () => {
  it('takes a result of 64 MiB', async () => {
    const { call } = await ready({ one: scripted() });
    const bytes = 64 * 1024 * 1024 - 200;
    const outcome = await call('one', 'big', { bytes });
    expect(outcome.kind === 'result' && outcome.json.length).toBe(
      bytes + '{"content":[{"type":"text","text":""}]}'.length,
    );
  });

  it.each([false, true])('fails the request whose answer is too large (id last: %s), and no other', async (idLast) => {
    const { call, servers } = await ready({ one: scripted() }, { messageBytes: 1024 * 1024 });
    const large = call('one', 'big', { bytes: 2 * 1024 * 1024, idLast });
    await expect(large).rejects.toMatchObject({ code: 'too_large', dispatched: true });
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
    expect(servers.states()[0]?.starts).toBe(1);
  });

  it('sends params of some megabytes to a slow reader', async () => {
    const { call } = await ready({ one: scripted() });
    const text = 'y'.repeat(4 * 1024 * 1024);
    const [first, second] = await Promise.all([call('one', 'echo', { text }), call('one', 'echo', { a: 2 })]);
    expect(textOf(first)).toHaveLength(text.length + 11);
    expect(textOf(second)).toBe('{"a":2}');
  });
});
