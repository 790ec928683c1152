import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { execForm, parseDockerfile } from './dockerfile.js';
import { type BuiltStage, buildStages, copyContext, inside } from './stage-runner.js';

// The Dockerfile's steps in a clean folder, then its entry point as its user, with its health check and stop signal.

const repository = resolve(import.meta.dirname, '../..');
const root = process.getuid?.() === 0;
const stages = parseDockerfile(await readFile(join(repository, 'Dockerfile'), 'utf8'));
const last = stages.at(-1);
let context = '';
let image: BuiltStage;
let relay: ChildProcess | undefined;

beforeAll(async () => {
  context = await mkdtemp(join(tmpdir(), 'context-'));
  await copyContext(repository, context);
  const built = (await buildStages(context, stages)).at(-1);
  if (!built) throw new Error('no stage');
  image = built;
});

afterAll(async () => {
  if (relay && relay.exitCode === null && relay.signalCode === null) {
    const closed = once(relay, 'close');
    relay.kill('SIGKILL');
    await closed;
  }
  await rm(context, { recursive: true, force: true });
  if (image) await rm(dirname(image.root), { recursive: true, force: true });
});

/** The exec form of one of the last stage's instructions. */
function commandOf(keyword: 'ENTRYPOINT' | 'HEALTHCHECK'): string[] {
  const args = last?.steps.find((step) => step.keyword === keyword)?.args ?? '';
  const command = execForm(args.replace(/^.*?CMD\s+/, ''));
  if (!command) throw new Error(`${keyword} is not in exec form`);
  return command;
}

/** Starts a command of the image: its environment, its folder and, where we may, its user. */
function start([file = '', ...args]: readonly string[], config: string): ChildProcess {
  const { PATH = '' } = process.env;
  const env = { PATH, ...image.env, MCP_LOCAL_TUNNEL_CONFIG: config };
  const cwd = join(image.root, last?.steps.find(({ keyword }) => keyword === 'VOLUME')?.args ?? '');
  const user = root && image.user ? { uid: image.user, gid: image.user } : {};
  return spawn(file, args, { env, cwd, ...user, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function check(config: string): Promise<number | null> {
  const [status] = await once(start(commandOf('HEALTHCHECK'), config), 'close');
  return status;
}

test('the image holds the release and not what built it', async () => {
  const parts = (image.env.PATH ?? '').split(delimiter);
  expect(parts[0]).toBe(inside(image.root, '/opt/mcp-local-tunnel/bin'));
  await access(join(parts[0] ?? '', commandOf('ENTRYPOINT')[0] ?? ''));
  const release = join(image.root, 'opt/mcp-local-tunnel/lib/node_modules/mcp-local-tunnel');
  expect((await readdir(release)).toSorted()).not.toContain('src');
  let bytes = 0;
  for (const file of await readdir(release, { recursive: true })) bytes += (await stat(join(release, file))).size;
  expect(bytes).toBeLessThan(40 << 20);
});

test('runs what the config says, is healthy, keeps its data on the volume and ends on SIGTERM', async () => {
  const port = await freePort();
  const config = JSON.stringify({ mode: 'relay', port });
  expect(await check(config)).toBe(4);

  relay = start(commandOf('ENTRYPOINT'), config);
  let output = '';
  const healthy = new Promise<void>((resolve, reject) => {
    const onData = async (chunk: Buffer) => {
      output += chunk;
      if ((await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok) resolve();
    };
    relay?.stdout?.on('data', onData);
    relay?.stderr?.on('data', onData);
    relay?.once('close', (status) => reject(new Error(`ended with ${status}:\n${output}`)));
  });
  await healthy;
  expect(await check(config)).toBe(0);
  expect(await readdir(join(image.root, 'data'))).not.toEqual([]);

  const closed = once(relay, 'close');
  relay.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
});
