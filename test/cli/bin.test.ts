import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { commands } from '../../src/cli/argv.js';
import { Built, logged } from './built.js';

const built = new Built();
const project = new URL('../../', import.meta.url);
const posix = process.platform !== 'win32';

const agentConfig = async () => ({ mode: 'agent', relay: `http://127.0.0.1:${await freePort()}`, servers: {} });
const lines = (output: string) => output.replaceAll('\r', '').replace(/[ \t]+$/gm, '');

describe('help', () => {
  it.each(['', ...commands.filter((name) => name !== 'start')])('of %j is as it was', async (command) => {
    const { status, stdout, stderr } = await built.run([command, '--help'].filter((word) => word !== ''));
    expect(stderr).toBe('');
    expect(status).toBe(0);
    await expect(lines(stdout).replace(/ \S+-\S+ node-v\S+/, '')).toMatchFileSnapshot(`help/${command || 'all'}.txt`);
  });

  it("is what `help`, -h and a command's --help show", async () => {
    const { stdout } = await built.run(['--help']);
    expect((await built.run(['-h'])).stdout).toBe(stdout);
    expect((await built.run(['help'])).stdout).toBe(stdout);
    expect((await built.run(['help', 'agent'])).stdout).toBe((await built.run(['agent', '--help'])).stdout);
  });

  it('and the version take no config', async () => {
    const { version } = JSON.parse(readFileSync(new URL('package.json', project), 'utf8'));
    const { status, stdout } = await built.run(['--version']);
    expect(status).toBe(0);
    expect(stdout).toContain(`mcp-local-tunnel/${version}`);
  });
});

it('the manifest is that of the commands', async () => {
  const { STALE, manifestInGit, manifestText } = await import(new URL('scripts/manifest.mjs', project).href);
  const fresh: unknown = JSON.parse(await manifestText(built.root));
  expect(await manifestInGit(fileURLToPath(project)), STALE).toEqual(fresh);
  expect(fresh).toMatchObject({ commands: Object.fromEntries(commands.map((name) => [name, { id: name }])) });
});

describe('a wrong command line or config', () => {
  it.each([
    [['statu'], 'There is no command statu. Did you mean status?'],
    [['zzzz'], 'There is no command zzzz. See mcp-local-tunnel --help'],
    [['./my.json'], 'To name a config file, write --config ./my.json'],
    [['status', '--nope'], 'Nonexistent flag: --nope'],
    [['agent', '--stdio', '--foreground'], '--foreground'],
    [['relay', '--log-level', 'loud'], 'Expected --log-level=loud to be one of: debug, info, warn, error'],
    [['status', '--config', 'none.json'], 'which does not exist'],
    [['--config', 'none.json'], 'which does not exist'],
  ])('%j ends with 2', async (args, message) => {
    const { status, stdout, stderr } = await built.run(args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('tells every problem, in words and in JSON', async () => {
    const env = { MCP_LOCAL_TUNNEL_CONFIG: '{ "mode": "agent", "relai": 1, "servers": [] }' };
    const shown = await built.run(['status'], { env });
    expect(shown.status).toBe(2);
    for (const path of [
      'relai (line 1): unknown key; did you mean "relay"?',
      'relay: is missing',
      'servers (line 1): must be',
    ]) {
      expect(shown.stderr).toContain(path);
    }
    const json = await built.run(['status', '--json'], { env });
    expect(json).toMatchObject({ status: 2, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual({ error: { exitCode: 2, message: expect.stringContaining('relai') } });
  });

  it('of no config says where it looked', async () => {
    const { status, stderr } = await built.run(['agent'], { env: { XDG_CONFIG_HOME: join(built.home, 'xdg') } });
    expect(status).toBe(2);
    expect(stderr).toContain(join(built.cwd, 'mcp-local-tunnel.config.json'));
    if (process.platform === 'linux') expect(stderr).toContain(join(built.home, 'xdg', 'mcp-local-tunnel'));
  });
});

describe('without a command', () => {
  it('runs what the mode says', async () => {
    const agent = JSON.stringify(await agentConfig());
    const { status, stderr } = await built.run([], { env: { MCP_LOCAL_TUNNEL_CONFIG: agent } });
    expect(stderr).toContain('Not logged in');
    expect(status).toBe(3);
  });

  it('takes the config flag', async () => {
    const file = join(built.home, 'agent.json');
    writeFileSync(file, JSON.stringify(await agentConfig()));
    expect((await built.run(['--config', file])).stderr).toContain('Not logged in');
    expect((await built.run(['--config', file, 'agent'])).stderr).toContain('Not logged in');
  });
});

describe('exit statuses', () => {
  it('of status and login tell what is not up', async () => {
    const env = { MCP_LOCAL_TUNNEL_CONFIG: JSON.stringify(await agentConfig()) };
    const status = await built.run(['status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({ mode: 'agent', ok: false });
    expect(status.status).toBe(3);
    const login = await built.run(['login', '--json', '--no-browser'], { env });
    expect(JSON.parse(login.stdout)).toMatchObject({ error: { code: 'relay_unreachable', exitCode: 4 } });
    expect(login.status).toBe(4);
    const logout = await built.run(['logout', '--json'], { env });
    expect(JSON.parse(logout.stdout)).toMatchObject({ wasLoggedIn: false });
    expect(logout.status).toBe(0);
  });

  it('of status of a relay that is down is 4', async () => {
    const port = await freePort();
    const { status, stdout } = await built.run(['status'], {
      env: { MCP_LOCAL_TUNNEL_CONFIG: `{"mode":"relay","port":${port}}` },
    });
    expect(stdout).toContain('not up');
    expect(status).toBe(4);
  });
});

it('a relay runs by its mode, is seen by status, and ends with 0', async () => {
  const config = (port: number, dataDir: string) => {
    const text = JSON.stringify({ mode: 'relay', host: '127.0.0.1', port, dataDir: join(built.home, dataDir) });
    return { env: { MCP_LOCAL_TUNNEL_CONFIG: text } };
  };
  const relay = built.start(['--log-format', 'json'], config(0, 'data'));
  if (relay.stderr === null) throw new Error('no pipe');
  const { port } = await logged(relay.stderr, /^relay is up$/);
  expect(await built.run(['status'], config(Number(port), 'data'))).toMatchObject({ status: 0, stderr: '' });
  const second = await built.run(['relay'], config(Number(port), 'other'));
  expect(second.stderr).toContain(`Error: Port ${port} on 127.0.0.1 is taken.`);
  expect(second.status).toBe(2);
  const locked = await built.run(['relay'], config(0, 'data'));
  expect(locked.stderr).toContain('Another relay is using');
  expect(locked.status).toBe(2);
  relay.stderr.resume();
  relay.kill('SIGTERM');
  expect(await once(relay, 'exit')).toEqual(posix ? [0, null] : [null, 'SIGTERM']);
});

/** Runs a module's text in a Node of its own; `built` stands for the compiled sources. */
function script(source: string, stdin: 'pipe' | 'ignore' | number = 'ignore') {
  const dist = pathToFileURL(join(built.root, 'dist/')).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source.replaceAll('built/', dist)], {
    stdio: [stdin, 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('no pipe');
  return { child, stdout: child.stdout };
}

/** The process id that a log line tells. */
async function pidIn(stream: Readable): Promise<number> {
  let seen = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    seen += String(chunk);
    const pid = /\bpid=(\d+)\b/.exec(seen)?.[1];
    if (pid !== undefined) return Number(pid);
  }
  throw new Error(`no pid in: ${seen}`);
}

describe('standard input', () => {
  const ask = "import { stdinIsProgram } from 'built/cli/terminal.js'; console.log(stdinIsProgram())";

  it("that is a pipe is an MCP client's", async () => {
    expect(await text(script(ask, 'pipe').stdout)).toBe('true\n');
  });

  it('that is /dev/null or a file is not', async () => {
    expect(await text(script(ask, 'ignore').stdout)).toBe('false\n');
    const file = openSync(join(built.root, 'package.json'), 'r');
    expect(await text(script(ask, file).stdout)).toBe('false\n');
    closeSync(file);
  });

  it('is left to the command when there is no command', async () => {
    // oclif reads an argument that was left out from standard input, which would be the MCP client's first message.
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    };
    const env = { MCP_LOCAL_TUNNEL_CONFIG: JSON.stringify(await agentConfig()) };
    const child = built.start(['--stdio'], { env, stdin: 'pipe' });
    child.stdin?.write(`${JSON.stringify(initialize)}\n`);
    if (child.stdout === null) throw new Error('no pipe');
    if (child.stderr === null) throw new Error('no pipe');
    const daemon = pidIn(child.stderr);
    const [answer] = await once(child.stdout, 'data');
    expect(JSON.parse(String(answer))).toMatchObject({ id: 1, result: { serverInfo: { name: 'mcp-local-tunnel' } } });
    // The agent in the background would go by itself, but after this test's folders.
    process.kill(await daemon);
    child.stdin?.end();
    expect((await once(child, 'close'))[0]).toBe(0);
  });
});

describe.runIf(posix)('signals', () => {
  const source = (body: string) => `
    import { interruptible, untilSignalled } from 'built/cli/signals.js';
    const keep = setInterval(() => {}, 1000);
    const aborted = (signal) => new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      console.log('up');
    });
    ${body}
    clearInterval(keep);`;

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends in order, with 0', async (name) => {
    const { child, stdout } = script(source('await untilSignalled(aborted);'));
    await once(stdout, 'data');
    child.kill(name);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('are a failure of a command with a result', async () => {
    const body = 'await interruptible(aborted).catch((error) => { process.exitCode = error.exitCode; });';
    const { child, stdout } = script(source(body));
    await once(stdout, 'data');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
  });

  it('given twice end at once', async () => {
    const body =
      "await untilSignalled((signal) => { signal.onabort = () => console.log('stopping'); console.log('up'); return new Promise(() => {}); });";
    const { child, stdout } = script(source(body));
    await once(stdout, 'data');
    child.kill('SIGTERM');
    await once(stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([143, null]);
  });
});

describe('the start loads no more than it needs', () => {
  const heavy =
    /node_modules\/(@nestjs|express|oidc-provider|@modelcontextprotocol|libphonenumber-js|pino|openid-client|ws)\//;

  async function loaded(args: readonly string[], config: string): Promise<string> {
    const file = join(mkdtempSync(join(built.home, 'loaded-')), 'list');
    const env = { LOADED_TO: file, MCP_LOCAL_TUNNEL_CONFIG: config };
    await built.run(args, { env, node: ['--import', new URL('loaded.mjs', import.meta.url).href] });
    return readFileSync(file, 'utf8').replaceAll('\\', '/');
  }

  it('for --help', async () => {
    const list = await loaded(['--help'], '');
    expect(list).toContain('node_modules/@oclif/core/');
    expect(list).not.toMatch(heavy);
    expect(list).not.toMatch(/node_modules\/class-validator\//);
  });

  it('for status', async () => {
    const list = await loaded(['status'], JSON.stringify(await agentConfig()));
    expect(list).toContain('/agent/status.js');
    expect(list).not.toMatch(heavy);
  });
});
