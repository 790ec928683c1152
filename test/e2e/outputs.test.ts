import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, test } from 'vitest';
import { PlainBrowser } from '../auth/login/plain-browser.js';
import { MemoryOAuth } from '../helpers/clients.js';
import { commandLine, homeEnvironment, Program, processesOf, run } from '../helpers/program.js';
import { gated, type Machine, System, writeConfig } from '../helpers/system.js';

const posix = process.platform !== 'win32';

async function status(machine: Machine) {
  const [text, json] = await Promise.all([machine.run('status'), machine.run('status', '--json')]);
  expect(json.code).toBe(text.code);
  return { code: text.code, text: text.stdout, json: JSON.parse(json.stdout) };
}

describe('an agent from login to logout', () => {
  test('as status tells it', async () => {
    await using system = await System.start();
    const machine = await system.machine({ servers: { work: gated() } });
    const never = await status(machine);
    expect(never).toMatchObject({
      code: 3,
      json: {
        mode: 'agent',
        ok: false,
        relay: system.url,
        agent: { running: false },
        login: { status: 'not_logged_in' },
        relayView: { reachable: true },
      },
    });
    expect(never.text).toMatch(/mcp-local-tunnel login/);
    const refused = machine.start();
    expect(await refused.ended).toMatchObject({ code: 3 });
    expect(refused.output).toMatch(/mcp-local-tunnel login/);

    const [code, login] = (await machine.login('--json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(code).toEqual({
      verificationUri: `${system.url}/device`,
      userCode: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
      expiresAt: expect.any(Number),
    });
    expect(login).toEqual({
      relay: system.url,
      account: expect.stringContaining('alice'),
      expiresAt: expect.any(Number),
      file: expect.stringContaining(machine.home),
    });
    const idle = await status(machine);
    expect(idle).toMatchObject({
      code: 4,
      json: {
        ok: false,
        agent: { running: false },
        login: { status: 'logged_in' },
        relayView: { tokenAccepted: true },
      },
    });
    expect(idle.text).toMatch(/not running/);

    const agent = await machine.up();
    const up = await status(machine);
    expect(up).toMatchObject({
      code: 0,
      json: {
        ok: true,
        agent: {
          running: true,
          pid: agent.pid,
          kind: 'foreground',
          snapshot: {
            link: 'online',
            deviceName: 'laptop',
            callsRunning: 0,
            servers: [{ name: 'work', kind: 'stdio', status: 'ready', tools: 9 }],
          },
        },
        problems: [],
      },
    });
    expect(up.text).toMatch(/online as laptop/);
    expect(up.text).toMatch(/work .*ready, 9 tools/);
    const second = machine.start();
    expect(await second.ended).toMatchObject({ code: 2 });
    expect(second.output).toContain(`pid ${agent.pid}`);

    await system.relay.stop('SIGKILL');
    await agent.line(/trying again|lost/);
    const down = await status(machine);
    expect(down).toMatchObject({ code: 4, json: { ok: false, relayView: { reachable: false } } });
    expect(down.json.problems).not.toEqual([]);
    await system.startRelay();
    await agent.line(/online at/, agent.here);
    expect((await status(machine)).code).toBe(0);
    expect((await machine.run('logout')).code).toBe(0);
    expect(await agent.ended).toMatchObject({ code: 3 });
    expect(await status(machine)).toMatchObject({ code: 3, json: { login: { status: 'not_logged_in' } } });
  }, 60_000);

  test('started without a command, with nothing on its input: in the foreground', async () => {
    await using system = await System.start();
    const machine = await system.machine({ servers: { work: gated() } });
    await machine.login();
    const agent = system.keep(new Program(['--config', machine.config], { home: machine.home }));
    await agent.line(/online at/);
    await using client = await system.client();
    await client.listed('work__whoami');
    expect(JSON.parse((await machine.run('status', '--json')).stdout)).toMatchObject({ agent: { kind: 'foreground' } });
    // Plain lines where there is no terminal.
    expect(agent.output).not.toContain('\u001b');
    if (posix) expect(await agent.stop('SIGINT')).toEqual({ code: 0, signal: null });
  });
});

test('as an entry of MCP clients: one agent in the background for all of them', async () => {
  await using system = await System.start();
  const machine = await system.machine({ servers: { work: gated() } });
  const entry = async () => {
    const [command, ...args] = commandLine('agent', '--config', machine.config);
    const transport = new StdioClientTransport({ command, args, env: homeEnvironment(machine.home), stderr: 'ignore' });
    const client = new Client({ name: 'host', version: '1.0.0' });
    await client.connect(transport);
    return { client, transport, [Symbol.asyncDispose]: () => client.close() };
  };
  await using first = await entry();
  expect((await first.client.listTools()).tools.map(({ name }) => name)).toEqual(['status', 'restart']);
  const asked = await first.client.callTool({ name: 'status' });
  expect(asked.structuredContent).toMatchObject({ online: false, login: 'not_logged_in' });
  expect(JSON.stringify(asked.content)).toContain(`mcp-local-tunnel login --config ${machine.config}`);

  await machine.login();
  await using second = await entry();
  const online = async () => (await second.client.callTool({ name: 'status' })).structuredContent;
  await expect.poll(online, { timeout: 20_000 }).toMatchObject({ online: true, device: 'laptop' });
  await using client = await system.client();
  await client.listed('work__whoami');
  const before = JSON.parse(await client.text('work__whoami')).pid;
  expect(await second.client.callTool({ name: 'restart', arguments: { server: 'work' } })).toMatchObject({
    structuredContent: { servers: [{ name: 'work', status: 'ready' }] },
  });
  await client.listed('work__whoami');
  expect(JSON.parse(await client.text('work__whoami')).pid).not.toBe(before);
  const { agent } = JSON.parse((await machine.run('status', '--json')).stdout);
  expect(agent).toMatchObject({ running: true, kind: 'daemon' });
  if (posix) expect(await processesOf(machine.home)).toHaveLength(4);

  // Killed or closed: what is left serves on, and ends after the last. System's end sees to that.
  process.kill(first.transport.pid ?? 0, 'SIGKILL');
  expect(await client.text('work__whoami')).toContain('pid');
  expect(await online()).toMatchObject({ online: true });
}, 60_000);

describe('a relay that cannot start', () => {
  const relay = (system: System, change: object) =>
    ({ mode: 'relay', host: '127.0.0.1', port: 0, dataDir: join(system.path, 'other'), ...change }) as const;

  test('says what is in the way, and the next relay is not harmed', async () => {
    await using system = await System.start({ builtIn: true });
    const home = system.path;
    const file = join(home, 'a-file');
    await writeFile(file, '');
    const config = join(home, 'second.json');
    const attempt = async (change: object) => {
      await writeConfig(config, relay(system, change));
      return run(['relay', '--config', config], { home });
    };
    const taken = await attempt({ port: system.port });
    expect(taken).toMatchObject({ code: 2, output: expect.stringContaining(`Port ${system.port}`) });
    const used = await attempt({ dataDir: system.dataDir });
    expect(used).toMatchObject({ code: 2, output: expect.stringContaining(system.dataDir) });
    const noFolder = await attempt({ dataDir: join(file, 'data') });
    expect(noFolder).toMatchObject({ code: 2, output: expect.stringContaining(file) });
    for (const { output } of [taken, used, noFolder]) expect(output).not.toMatch(/^ +at /m);
    expect((await fetch(`${system.url}/readyz`)).status).toBe(200);
  });

  // A user of a container without a root file system, or none that may write there.
  test.runIf(process.platform === 'linux')('over a folder nobody can write to', async () => {
    await using system = await System.start({ builtIn: true });
    const config = join(system.path, 'read-only.json');
    await writeConfig(config, relay(system, { dataDir: '/sys/relay-data' }));
    const { code, output } = await run(['relay', '--config', config], { home: system.path });
    expect(output).toContain('/sys/relay-data');
    expect(output).not.toMatch(/^ +at /m);
    expect(code).toBe(2);
  });
});

test('a provider that is down when the relay starts, and then up', async () => {
  await using system = await System.start();
  await system.provider?.stop();
  await system.relay.stop();
  await system.startRelay();
  const { auth } = await import('@modelcontextprotocol/sdk/client/auth.js');
  await using provider = await MemoryOAuth.start(async (url) => {
    const refused = await (await new PlainBrowser().visit(url)).submit({ decision: 'allow' });
    expect(refused.response.status).toBeGreaterThanOrEqual(500);
    expect(refused.html).toMatch(/try again/i);
    await system.provider?.start();
    await system.signIn(url);
  });
  await auth(provider, { serverUrl: system.endpoint });
  expect(provider.code).not.toBe('');
});
