import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StdioTransport } from '../../src/agent/servers/stdio-transport.js';
import { agentEnvironment } from '../../src/config/environment.js';
import { fixture, harness, isRunning, nodeModule, ready, resultOf, scripted, TestClock, textOf } from './harness.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'servers-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pidOf = (state: { serverInfo?: Record<string, unknown> } | undefined) => Number(state?.serverInfo?.pid);

describe('real servers', () => {
  it('starts published servers side by side and calls a tool of each', async () => {
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
    const echo = servers
      .catalogs()
      .get('everything')
      ?.tools.find((tool) => tool.name === 'echo');
    expect(echo).toMatchObject({ title: expect.any(String), inputSchema: { type: 'object' } });
    expect(servers.catalogs().get('everything')?.instructions).toBeTypeOf('string');
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
});

describe('a stdio server', () => {
  it('is greeted as the specification says', async () => {
    const log = join(folder, 'log');
    const { servers } = await ready({ one: scripted({ log }) });
    await servers.close();
    const lines = (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '0.0.0' } },
    });
    expect(lines[1]).toEqual({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect(lines[2].method).toBe('tools/list');
    expect(servers.states()[0]).toMatchObject({ status: 'stopped', starts: 1 });
  });

  it.each(['2024-11-05', '2025-03-26', '2025-06-18'])('may speak %s', async (version) => {
    const { servers } = await ready({ one: scripted({ version }) });
    expect(servers.states()[0]).toMatchObject({ status: 'ready', protocolVersion: version, tools: 1 });
    expect(servers.catalogs().get('one')).toMatchObject({ protocolVersion: version, instructions: 'Be kind.' });
  });

  it('may not speak another', async () => {
    const { states } = await ready({ one: scripted({ version: '1999-01-01' }) });
    expect(states.find((state) => state.status === 'failed')?.problem).toContain(
      'speaks MCP 1999-01-01, this agent speaks 2025-11-25',
    );
  });

  it('gets params and gives results byte for byte', async () => {
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

describe('catalogs', () => {
  const many = Array.from({ length: 2_000 }, (_, index) => ({
    name: `tool-${index}`,
    inputSchema: { type: 'object' },
    'x-own': index,
  }));

  it('has every page, the one behind an empty cursor too, each entry as sent', async () => {
    const { servers, catalogs } = await ready({ one: scripted({ tools: many, pageSize: 100 }) });
    expect(servers.catalogs().get('one')?.tools).toEqual(many);
    expect(servers.states()[0]?.tools).toBe(2_000);
    expect(catalogs).toHaveLength(1);
  });

  it('stops after 50 pages and says so', async () => {
    const { servers, warnings } = await ready({ one: scripted({ tools: many, pageSize: 10 }) });
    expect(servers.catalogs().get('one')?.tools).toHaveLength(500);
    expect(warnings.join()).toContain('the rest is left out');
  });

  it('follows list_changed, and tells only of a real change', async () => {
    const { call, catalog, catalogs, state } = await ready({ one: scripted() }, { clock: new TestClock() });
    await call('one', 'offer', { tools: [{ name: 'new', inputSchema: {} }], times: 5 });
    expect(await catalog((offer) => offer?.tools[0]?.name === 'new')).toBeDefined();
    await call('one', 'offer', { tools: [{ name: 'new', inputSchema: {} }] });
    await call('one', 'offer', { tools: [] });
    await state((seen) => seen.status === 'ready' && seen.tools === 0);
    expect(catalogs.map((event) => event.catalog?.tools.length)).toEqual([1, 1, 0]);
  });

  it('misses no change that comes right behind the first list', async () => {
    const { servers, catalog } = harness({ one: scripted({ changesWhileListed: true }) });
    servers.start();
    expect(await catalog((offer) => offer?.tools.length === 2)).toBeDefined();
  });

  it('looks again for a tool it does not know where the server announces nothing', async () => {
    const clock = new TestClock();
    const { call, catalog, catalogs } = await ready({ one: scripted({ listChanged: false }) }, { clock });
    await call('one', 'offer-quietly', { tools: [{ name: 'late', inputSchema: {} }] });
    expect(catalogs).toHaveLength(1);
    clock.offset += 10_000;
    await call('one', 'late');
    expect(await catalog((offer) => offer?.tools[0]?.name === 'late')).toBeDefined();
  });

  it('asks a server without tools for none', async () => {
    const { servers } = await ready({ one: scripted({ capabilities: {} }) });
    expect(servers.catalogs().get('one')?.tools).toEqual([]);
  });
});

describe('calls', () => {
  it('passes progress on without the token, and none once it is over', async () => {
    const { servers, call } = await ready({ one: scripted() });
    const seen: unknown[] = [];
    const params = Buffer.from('{"name":"progress","_meta":{"progressToken":"theirs"}}');
    const outcome = await servers.request('one', 'tools/call', params, {
      signal: new AbortController().signal,
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen).toEqual([1, 2, 3].map((progress) => ({ progress, total: 3, extra: 'kept' })));
    expect(JSON.parse(textOf(outcome)).token).toBeTypeOf('number');
    expect(JSON.parse(textOf(await call('one', 'progress'))).token).toBeNull();
  });

  it('cancels at the server, once, with our id', async () => {
    const log = join(folder, 'log');
    const { call, servers } = await ready({ one: scripted({ log }) });
    const stop = new AbortController();
    const reason = new Error('the client left');
    const hanging = call('one', 'hang', {}, { signal: stop.signal, onLog: () => stop.abort(reason) });
    await expect(hanging).rejects.toBe(reason);
    await call('one', 'echo');
    await servers.close();
    const lines = (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const hang = lines.find((line) => line.params?.name === 'hang');
    expect(lines.filter((line) => line.method === 'notifications/cancelled')).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: hang.id, reason: 'cancelled by the client' },
      },
    ]);
  });

  it('sends nothing for a call that was aborted before', async () => {
    const log = join(folder, 'log');
    const { call, servers } = await ready({ one: scripted({ log }) });
    await expect(call('one', 'echo', {}, { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early');
    await servers.close();
    expect(await readFile(log, 'utf8')).not.toContain('tools/call');
  });

  it('times out as configured, counted anew from each progress', async () => {
    const clock = new TestClock();
    const log = join(folder, 'log');
    const { call, servers } = await ready({ one: scripted({ log }, { timeout: 5 }) }, { clock });
    const ended: unknown[] = [];
    const timer = () => clock.waiting.find(({ ms }) => ms === 5_000);
    const progressed = new Promise<void>((resolve) => {
      const context = { onProgress: () => resolve() };
      call('one', 'hang', {}, context).catch((error) => ended.push(error));
    });
    const first = timer();
    await progressed;
    expect(first).toBeDefined();
    expect(timer()).toBeDefined();
    expect(timer()).not.toBe(first);
    clock.fire(5_000);
    await call('one', 'echo');
    await servers.close();
    const timeout = { code: 'timeout', dispatched: true, message: 'the server gave no answer within 5 s' };
    expect(ended).toMatchObject([timeout]);
    expect(await readFile(log, 'utf8')).toContain('"reason":"timed out"');
    expect(clock.waiting.filter((timer) => timer.ms === 5_000)).toEqual([]);
  });

  it('tells a log line only of the one call it can belong to', async () => {
    const { call } = await ready({ one: scripted() });
    const lines: string[] = [];
    const stop = new AbortController();
    const alone = new Promise<void>((resolve) => {
      const context = {
        signal: stop.signal,
        onLog: (params: { data?: unknown }) => {
          lines.push(`1 ${params.data}`);
          resolve();
        },
      };
      call('one', 'hang', { of: 'a' }, context).catch(() => undefined);
    });
    await alone;
    const other = call(
      'one',
      'hang',
      { of: 'b' },
      { signal: stop.signal, onLog: (params) => lines.push(`2 ${params.data}`) },
    );
    await call('one', 'echo');
    expect(lines).toEqual(['1 hanging a']);
    stop.abort(new Error('done'));
    await expect(other).rejects.toThrow('done');
  });
});

describe('ends', () => {
  it('fails what is in flight at once when the server dies, and brings it back', async () => {
    const clock = new TestClock();
    const { call, state, catalogs, servers } = await ready(
      { one: scripted({ stderr: ['starting up'], tellPid: false }) },
      { clock, random: () => 0.999 },
    );
    const hanging = call('one', 'hang');
    const dying = call('one', 'die', { code: 9 });
    await expect(hanging).rejects.toMatchObject({ code: 'lost', dispatched: true });
    await expect(dying).rejects.toMatchObject({ code: 'lost', dispatched: true });
    await expect(call('one', 'echo')).rejects.toMatchObject({ code: 'not_ready', dispatched: false });
    const failed = await state((seen) => seen.status === 'failed');
    expect(failed.problem).toBe('ended with exit status 9\n  starting up');
    const waiting = await state((seen) => seen.status === 'waiting');
    expect(waiting.retryAt).toBeGreaterThan(0);
    clock.fire(499);
    await state((seen) => seen.status === 'ready' && seen.starts === 2);
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
    expect(catalogs).toHaveLength(1); // the tools never went away
    expect(servers.states()[0]?.problem).toBeUndefined();
  });

  it('backs off with full jitter while it crashes, for ever', async () => {
    const clock = new TestClock();
    const { state, servers } = await ready(
      { one: scripted({ exitCode: 3, stderr: ['no license \u001b[2J'] }) },
      { clock, random: () => 0.999 },
    );
    const delays: number[] = [];
    for (let start = 1; start <= 9; start += 1) {
      const waiting = await state((seen) => seen.status === 'waiting' && seen.starts === start);
      expect(waiting.problem).toBe('ended with exit status 3\n  no license \\x1b[2J');
      const timer = clock.waiting.at(-1);
      delays.push(timer?.ms ?? 0);
      clock.fire(timer?.ms ?? 0);
    }
    expect(delays).toEqual([499, 999, 1998, 3996, 7992, 15984, 29970, 29970, 29970]);
    expect(servers.catalogs().size).toBe(0);
  });

  it('forgets earlier failures once it was stable for 30 s', async () => {
    const clock = new TestClock();
    const { call, state } = await ready({ one: scripted() }, { clock, random: () => 0.999 });
    const die = (start: number) => {
      call('one', 'die').catch(() => undefined);
      return state((seen) => seen.status === 'waiting' && seen.starts === start);
    };
    await die(1);
    clock.fire(499);
    await state((seen) => seen.status === 'ready' && seen.starts === 2);
    await die(2);
    clock.fire(999);
    await state((seen) => seen.status === 'ready' && seen.starts === 3);
    clock.offset += 30_000;
    await die(3);
    expect(clock.waiting.map((timer) => timer.ms)).toEqual([499]);
  });

  it('says what to do about a command that is not there', async () => {
    const { states } = await ready({
      one: scripted({}, { command: ['no-such-command-here', 'x'] }),
      two: scripted({}, { cwd: join(folder, 'missing') }),
      three: scripted({}, { command: [folder] }),
    });
    const problem = (name: string) => states.find((seen) => seen.name === name && seen.status === 'failed')?.problem;
    expect(problem('one')).toBe('command "no-such-command-here" not found: is it installed and on PATH?');
    expect(problem('two')).toBe(`working folder "${join(folder, 'missing')}" does not exist: change "cwd"`);
    expect(problem('three')).toContain('may not be run');
  });

  it('does not let a silent server hold up the others, and gives it up after a minute', async () => {
    const clock = new TestClock();
    const { servers, state } = harness(
      { mute: scripted({ silent: true }), one: scripted(), off: scripted({}, { disabled: true }) },
      { clock },
    );
    servers.start();
    await state((seen) => seen.name === 'one' && seen.status === 'ready');
    expect(servers.states().map((seen) => seen.status)).toEqual(['starting', 'ready', 'disabled']);
    const stop = new AbortController();
    const settled = servers.settled(stop.signal);
    stop.abort();
    await settled;
    clock.fire(60_000);
    await servers.settled(AbortSignal.timeout(20_000));
    expect((await state((seen) => seen.name === 'mute' && seen.status === 'failed')).problem).toBe(
      'was not ready within 60 s',
    );
  });

  it('restarts one, or all, on demand', async () => {
    const { servers, states, state, call } = await ready({
      one: scripted(),
      two: scripted({ exitCode: 1 }),
      off: scripted({}, { disabled: true }),
    });
    const before = pidOf(servers.states()[0]);
    const restarting = servers.restart('one', AbortSignal.timeout(20_000));
    await state((seen) => seen.name === 'one' && seen.status === 'starting' && pidOf(seen) === before);
    await expect(call('one', 'echo')).rejects.toMatchObject({ code: 'not_ready', dispatched: false });
    const after = await restarting;
    expect(after).toMatchObject([{ name: 'one', status: 'ready', starts: 2 }]);
    expect(pidOf(after[0])).not.toBe(before);
    expect(isRunning(before)).toBe(false);
    const [one, two, off] = await servers.restart(undefined, AbortSignal.timeout(20_000));
    expect([one?.status, two?.status, off?.status]).toEqual(['ready', 'failed', 'disabled']);
    expect(one?.starts).toBe(3);
    await expect(servers.restart('three', AbortSignal.timeout(1_000))).rejects.toMatchObject({
      code: 'unknown_server',
    });
    await expect(
      servers.request('three', 'x', Buffer.from('{}'), { signal: AbortSignal.timeout(1_000) }),
    ).rejects.toMatchObject({
      code: 'unknown_server',
    });
    expect(states.filter((seen) => seen.name === 'off')).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('ends the grandchild with its wrapper, the stubborn one too', async () => {
    const wrapped = scripted({ stubborn: true }, {});
    const { servers, states } = await ready({
      one: {
        ...wrapped,
        env: { STUBBORN: '1' },
        command: [process.execPath, fixture('wrapper.mjs'), ...wrapped.command],
      },
    });
    const grandchild = pidOf(states.find((seen) => seen.status === 'ready'));
    expect(isRunning(grandchild)).toBe(true);
    await servers.close();
    expect(isRunning(grandchild)).toBe(false);
  });

  it('leaves nothing behind when closed while starting', async () => {
    const { servers, state } = harness({ one: scripted({ silent: true }), two: scripted() });
    servers.start();
    await state((seen) => seen.name === 'two' && seen.status === 'ready');
    const pid = pidOf(servers.states()[1]);
    await servers.close();
    expect(isRunning(pid)).toBe(false);
    expect(servers.states().map((seen) => seen.status)).toEqual(['stopped', 'stopped']);
    expect(servers.catalogs().size).toBe(0);
    await expect(servers.restart('one', AbortSignal.timeout(1_000))).resolves.toMatchObject([{ status: 'stopped' }]);
  });
});
