import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../scripts/demo/free-port.mjs';

// The release as a stranger gets it: packed, then installed from the tarball in an empty folder. `npm test` has built dist/.

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const windows = process.platform === 'win32';
const running = new Set<ChildProcess>();
let folder = '';
let app = '';
let tarball = '';
let installed = '';

/** npm or npx as a stranger's shell runs it, in `cwd`. */
async function npm(args: readonly string[], cwd: string, command = 'npm'): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, npm_config_cache: join(folder, 'npm-cache') };
  return run(command, [...args], { cwd, env, shell: windows, maxBuffer: 1 << 26 });
}

/** What every start gets: no config, home folder or npm variable of whoever runs the tests. */
function environment(extra: Record<string, string> = {}): Record<string, string> {
  const { PATH = '', SystemRoot } = process.env;
  const home = join(folder, 'home');
  return { PATH, ...(SystemRoot ? { SystemRoot } : {}), HOME: home, APPDATA: home, LOCALAPPDATA: home, ...extra };
}

function start(args: readonly string[], extra?: Record<string, string>): ChildProcess {
  const bin = join(app, 'node_modules/mcp-local-tunnel/bin/run.js');
  const options = { cwd: app, env: environment(extra) };
  const child = spawn(process.execPath, [bin, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Everything the command wrote until it ended, and its exit status. */
async function finish(child: ChildProcess): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => (written.stdout += chunk));
  child.stderr?.on('data', (chunk) => (written.stderr += chunk));
  const [status] = await once(child, 'close');
  return { status, ...written };
}

/** Resolves when `found` says so of the output so far, asked at each piece; rejects with the output when the command ends. */
function until(child: ChildProcess, found: (output: string) => boolean | Promise<boolean>): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const onData = async (chunk: Buffer) => {
      output += chunk;
      if (await found(output)) resolve(output);
    };
    child.stdout?.on('data', onData);
    child.stderr?.on('data', onData);
    child.once('close', (status) => reject(new Error(`ended with ${status}:\n${output}`)));
  });
}

async function relayConfig(): Promise<{ base: string; json: string }> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const dataDir = await mkdtemp(join(folder, 'data-'));
  return { base, json: JSON.stringify({ mode: 'relay', host: '127.0.0.1', port, issuerUrl: base, dataDir }) };
}

async function ready(base: string): Promise<boolean> {
  const response = await fetch(`${base}/readyz`).catch(() => undefined);
  return response?.ok ?? false;
}

/** SIGTERM, and what the command says to it; Windows has no such signal and ends it at once. */
async function stop(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const [status] = await closed;
  if (!windows) expect(status).toBe(0);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'));
  app = join(folder, 'app');
  await mkdir(join(folder, 'home'));
  await mkdir(app);
  await writeFile(join(app, 'package.json'), '{ "private": true }');
  await run(process.execPath, [join(root, 'scripts/pack.mjs'), '--out', join(folder, 'build')], { cwd: root });
  const [name = ''] = (await readdir(join(folder, 'build'))).filter((file) => file.endsWith('.tgz'));
  tarball = join(folder, 'build', name);
  const { stdout, stderr } = await npm(['install', tarball], app);
  installed = stdout + stderr;
}, 180_000);

afterEach(async () => {
  for (const child of running) {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
});

afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

describe('the packed release', () => {
  test('asks for no newer Node, and installs only the packages that cannot be bundled', async () => {
    expect(installed).not.toContain('EBADENGINE');
    const manifest = JSON.parse(await readFile(join(app, 'node_modules/mcp-local-tunnel/package.json'), 'utf8'));
    const externals = ['@node-rs/argon2', 'classic-level', 'ws'];
    expect(Object.keys(manifest.dependencies)).toEqual(externals);
    expect(manifest).not.toHaveProperty('devDependencies');
  });

  test('holds licences and no tests, sources or maps', async () => {
    const files = await readdir(join(app, 'node_modules/mcp-local-tunnel'), { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'THIRD_PARTY_LICENSES', 'oclif.manifest.json']),
    );
    expect(files.filter((file) => /\.(test\.js|map|ts)$/.test(file))).toEqual([]);
    const licenses = await readFile(join(app, 'node_modules/mcp-local-tunnel/THIRD_PARTY_LICENSES'), 'utf8');
    for (const name of ['@nestjs/core', 'oidc-provider', 'class-validator', 'undici'])
      expect(licenses).toContain(`\n${name} `);
  });

  test('--help names every command', async () => {
    const { status, stdout } = await finish(start(['--help']));
    expect(status).toBe(0);
    for (const command of ['agent', 'login', 'logout', 'relay', 'status']) expect(stdout).toContain(`\n  ${command} `);
  });

  test('npx runs it from the tarball', async () => {
    const cwd = await mkdtemp(join(folder, 'npx-'));
    const { stdout } = await npm(['-y', '-p', tarball, 'mcp-local-tunnel', '--version'], cwd, 'npx');
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(stdout).toContain(version);
  });

  test('status --json is JSON, and its exit status says that no agent is up', async () => {
    const config = JSON.stringify({ mode: 'agent', relay: 'http://127.0.0.1:9', servers: {} });
    const { status, stdout } = await finish(start(['status', '--json'], { MCP_LOCAL_TUNNEL_CONFIG: config }));
    expect(() => JSON.parse(stdout)).not.toThrow();
    expect(status).not.toBe(0);
  });

  test('relay --config FILE gets ready and ends on SIGTERM', async () => {
    const { base, json } = await relayConfig();
    const file = join(folder, 'relay.json');
    await writeFile(file, json);
    const relay = start(['relay', '--config', file]);
    await until(relay, () => ready(base));
    await stop(relay);
  });

  test('the bare command runs what the config says: a relay, then an agent that needs a login, which login starts', async () => {
    const { base, json } = await relayConfig();
    const relay = start([], { MCP_LOCAL_TUNNEL_CONFIG: json });
    await until(relay, () => ready(base));

    const env = { MCP_LOCAL_TUNNEL_CONFIG: JSON.stringify({ mode: 'agent', relay: base, servers: {} }), CI: '1' };
    const { status, stdout, stderr } = await finish(start([], env));
    expect(stdout + stderr).toContain(`${base}. Run: mcp-local-tunnel login`);
    expect(status).toBe(3);

    // Known to the relay already, or there would be no code to type. Without a terminal there is no browser either.
    const login = start(['login'], env);
    const output = await until(login, (written) => /\b[B-Z]{4}-[B-Z]{4}\b/.test(written));
    expect(output).toContain(`${base}/device`);
    const ended = once(login, 'close');
    login.kill();
    await ended;
    await stop(relay);
  });

  // What the bundle takes to open a browser lies beside it, or is the system's: only the release can show which.
  test.runIf(process.platform === 'linux')('login opens the browser at the address it prints', async () => {
    const { base, json } = await relayConfig();
    const relay = start([], { MCP_LOCAL_TUNNEL_CONFIG: json });
    await until(relay, () => ready(base));

    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const opened = once(server, 'request').then(([req, res]) => {
      res.end();
      return new URL(req.url, base).searchParams.get('opened');
    });
    const bin = await mkdtemp(join(folder, 'bin-'));
    const report = `fetch('http://127.0.0.1:${port}/?opened=' + encodeURIComponent(process.argv[2]))`;
    await writeFile(join(bin, 'xdg-open'), `#!${process.execPath}\n${report}\n`, { mode: 0o755 });

    const { PATH = '' } = process.env;
    const config = JSON.stringify({ mode: 'agent', relay: base, servers: {} });
    const login = start(['login', '--browser'], { MCP_LOCAL_TUNNEL_CONFIG: config, PATH: `${bin}${delimiter}${PATH}` });
    const output = await until(login, (written) => /\/authorize\?\S+\s/.test(written));
    expect(await opened).toBe(/http\S+\/authorize\?\S+/.exec(output)?.[0]);
    const ended = once(login, 'close');
    login.kill();
    await ended;
    server.close();
    await stop(relay);
  });
});
