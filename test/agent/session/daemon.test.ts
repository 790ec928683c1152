import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CredentialStore } from '../../../src/agent/credentials/store.js';
import { login } from '../../../src/agent/login.js';
import { acquireInstance } from '../../../src/agent/session/instance.js';
import type { AgentConfig } from '../../../src/config/config.js';
import { statePaths } from '../../../src/config/paths.js';
import { isRunning } from '../../helpers/processes.js';
import { browse, RelayStandIn } from '../login/relay-stand-in.js';
import { type TempConfig, tempConfig } from '../login/temp-config.js';
import { buildDriver, type Driver } from './driver-process.js';
import { ancestors, type Entry, holder, kill, logged, type Settings, startEntry, writeSettings } from './entry.js';

const posix = process.platform !== 'win32';
const signal = new AbortController().signal;
const waiting = { timeout: 20_000, interval: 50 };
/** Nothing listens here; these tests are about the agent's own life. */
const NO_RELAY = 'http://127.0.0.1:9';

let driver: Driver;
let temp: TempConfig;
let config: AgentConfig;
let settings: Settings;
let entries: Entry[];
const daemons = new Set<number>();

beforeAll(async () => {
  driver = await buildDriver();
});

afterAll(async () => {
  await driver[Symbol.asyncDispose]();
});

beforeEach(async () => {
  temp = await tempConfig(NO_RELAY);
  config = temp.config;
  settings = { config, lingerMs: 200 };
  entries = [];
});

afterEach(async () => {
  for (const { pid } of entries) kill(pid);
  await expect.poll(() => [...daemons].filter(isRunning), waiting).toEqual([]);
  daemons.clear();
  await temp[Symbol.asyncDispose]();
});

async function enter(from: string | Settings): Promise<Entry> {
  const entry = await startEntry(driver, from);
  entries.push(entry);
  return entry;
}

async function logInAt(relay: RelayStandIn): Promise<void> {
  config = { ...config, relay: relay.origin };
  await login(config, { signal, browser: true, notify: () => {}, openUrl: async (url) => void (await browse(url)) });
}

/** The daemon's pid, once there is one that is not `other`. */
async function daemonPid(other?: number): Promise<number> {
  let pid: number | undefined;
  await expect
    .poll(async () => {
      const info = await holder(config);
      pid = info?.stopping === false ? info.pid : undefined;
      return pid !== undefined && pid !== other;
    }, waiting)
    .toBe(true);
  if (pid === undefined) throw new Error('no daemon');
  daemons.add(pid);
  return pid;
}

describe('the background agent', () => {
  it('is one for entries that start at once, and ends after both were killed', async () => {
    const file = await writeSettings(settings);
    const both = await Promise.all([enter(file), enter(file)]);
    const answers = await Promise.all(both.map((entry) => entry.status()));
    for (const answer of answers) expect(answer).not.toMatchObject({ link: 'not_running' });
    const pid = await daemonPid();
    expect((await logged(config)).filter((message) => message === 'daemon started')).toHaveLength(1);

    kill(both[0].pid);
    await expect.poll(() => isRunning(both[0].pid), waiting).toBe(false);
    expect(await both[1].status()).toMatchObject({ relay: NO_RELAY });
    expect(isRunning(pid)).toBe(true);
    kill(both[1].pid);
    await expect.poll(() => isRunning(pid), waiting).toBe(false);
    expect((await logged(config)).at(-1)).toBe('daemon ended');
    expect(await holder(config)).toBeUndefined();
  });

  it("is nobody's descendant", async () => {
    const entry = await enter(await writeSettings(settings));
    await entry.status();
    const above = await ancestors(await daemonPid());
    expect(above).not.toContain(entry.pid);
    expect(above).not.toContain(process.pid);
  });

  it('is started again when it was killed, over its dead socket', async () => {
    const entry = await enter(await writeSettings(settings));
    await entry.status();
    const first = await daemonPid();
    kill(first);
    const second = await daemonPid(first);
    expect(isRunning(first)).toBe(false);
    expect(await entry.status()).toMatchObject({ relay: NO_RELAY });
    expect(await daemonPid()).toBe(second);
  });

  it.each([
    ['config', (old: Settings): Settings => ({ ...old, config: { ...old.config, name: 'desktop' } })],
    ['version', (old: Settings): Settings => ({ ...old, version: '99.0.0' })],
  ])('is replaced when its %s has changed; earlier sessions go along', async (_what, change) => {
    const early = await enter(await writeSettings(settings));
    await early.status();
    const first = await daemonPid();
    const late = await enter(await writeSettings(change(settings)));
    await late.status();
    const second = await daemonPid(first);
    await expect.poll(() => isRunning(first), waiting).toBe(false);
    expect(await early.status()).toMatchObject({ relay: NO_RELAY });
    expect(await daemonPid()).toBe(second);
    kill(late.pid);
    await expect.poll(() => isRunning(late.pid), waiting).toBe(false);
    expect(await early.status()).toMatchObject({ relay: NO_RELAY });
    expect(isRunning(second)).toBe(true);
  });

  it('takes its config from the environment too', async () => {
    const entry = await enter(settings);
    expect(await entry.status()).toMatchObject({ relay: NO_RELAY, device: 'laptop' });
    await daemonPid();
  });

  it.runIf(posix)('is reached by this user only', async () => {
    const entry = await enter(await writeSettings(settings));
    await entry.status();
    await daemonPid();
    const { socket, logs, log } = statePaths(config);
    expect((await lstat(socket)).mode & 0o777).toBe(0o600);
    expect((await lstat(dirname(socket))).mode & 0o777).toBe(0o700);
    expect((await lstat(logs)).mode & 0o777).toBe(0o700);
    expect((await lstat(log)).mode & 0o777).toBe(0o600);
  });

  it('works below a folder whose path is too long for a socket', async () => {
    config = { ...config, stateDir: join(config.stateDir, 'deep'.repeat(30)) };
    const entry = await enter({ ...settings, config });
    expect(await entry.status()).toMatchObject({ relay: NO_RELAY });
    await daemonPid();
  });

  it('writes no token into its logs', async () => {
    await using relay = await RelayStandIn.start();
    await logInAt(relay);
    const kept = await new CredentialStore(config).load();
    const entry = await enter({ ...settings, config });
    await expect.poll(() => entry.status(), waiting).toMatchObject({ login: 'logged_in', link: 'offline' });
    await daemonPid();
    const { logs } = statePaths(config);
    for (const name of await readdir(logs)) {
      const text = await readFile(join(logs, name), 'utf8');
      expect(text).not.toContain(kept?.accessToken);
      expect(text).not.toContain(kept?.refreshToken);
    }
  });
});

describe('an entry', () => {
  it('leaves at once when its input ends', async () => {
    const child = spawn(process.execPath, [driver.path, 'agent', '--config', await writeSettings(settings)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await daemonPid();
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('says how to log in', async () => {
    const file = await writeSettings(settings);
    const entry = await enter(file);
    expect(entry.client.getInstructions()).toContain(`mcp-local-tunnel login --config ${file}`);
    expect(await entry.status()).toMatchObject({
      online: false,
      login: 'not_logged_in',
      nextStep: expect.stringContaining(`mcp-local-tunnel login --config ${file}`),
    });
    await daemonPid();
  });

  it('says so without giving away a config that is in the environment', async () => {
    const text = JSON.stringify({ mode: 'agent', secret: 'hunter2' });
    const entry = await startEntry(driver, { ...settings, environment: { MCP_LOCAL_TUNNEL_CONFIG: text } });
    entries.push(entry);
    const { nextStep } = await entry.status();
    expect(nextStep).toContain('MCP_LOCAL_TUNNEL_CONFIG');
    expect(nextStep).not.toContain('hunter2');
    await daemonPid();
  });

  it('offers status and restart, and refuses what it does not have', async () => {
    const entry = await enter(await writeSettings(settings));
    const { tools } = await entry.client.listTools();
    expect(tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint])).toEqual([
      ['status', true],
      ['restart', false],
    ]);
    expect(await entry.client.callTool({ name: 'restart', arguments: {} })).toMatchObject({
      isError: false,
      structuredContent: { servers: [] },
    });
    expect(await entry.client.callTool({ name: 'restart', arguments: { server: 'nope' } })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('nope') }],
    });
    await expect(entry.client.callTool({ name: 'shell' })).rejects.toThrow('Unknown tool: shell');
    await daemonPid();
  });
});

describe('an agent in the foreground', () => {
  it('is joined by entries, replaced by none, and never doubled', async () => {
    await using relay = await RelayStandIn.start();
    await logInAt(relay);
    const file = await writeSettings({ ...settings, config });
    const child = spawn(process.execPath, [driver.path, 'agent', '--foreground', '--config', file], {
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    try {
      await expect.poll(() => holder(config), waiting).toMatchObject({ kind: 'foreground', pid: child.pid });
      // Nothing here listens for it, as under nohup: the terminal may close.
      if (posix) child.kill('SIGHUP');
      await expect(acquireInstance(config)).rejects.toMatchObject({
        name: 'InstanceHeldError',
        pid: child.pid,
        message: expect.stringContaining(`kill ${child.pid}`),
      });
      const entry = await enter(await writeSettings({ ...settings, config: { ...config, name: 'desktop' } }));
      expect(await entry.status()).toMatchObject({ login: 'logged_in', device: 'desktop' });
      expect(await holder(config)).toMatchObject({ kind: 'foreground', pid: child.pid });
    } finally {
      child.kill('SIGTERM');
    }
    const [code] = await ended;
    if (posix) expect(code).toBe(0);
    // The entry is left alone, and starts an agent in the background.
    await daemonPid(child.pid);
    expect(await holder(config)).toMatchObject({ kind: 'daemon' });
  });

  it('does not start beside one in the background', async () => {
    const entry = await enter(await writeSettings(settings));
    await entry.status();
    const pid = await daemonPid();
    await expect(acquireInstance(config)).rejects.toMatchObject({ name: 'InstanceHeldError', pid, kind: 'daemon' });
  });
});
