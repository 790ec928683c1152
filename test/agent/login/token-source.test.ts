import { execFile } from 'node:child_process';
import { chmod, lstat, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceIdentity } from '../../../src/agent/credentials/device-identity.js';
import { CredentialStore, type Credentials } from '../../../src/agent/credentials/store.js';
import { createTokenSource } from '../../../src/agent/credentials/token-source.js';
import { login } from '../../../src/agent/login.js';
import type { AgentConfig } from '../../../src/config/config.js';
import { statePaths } from '../../../src/config/paths.js';
import { buildDriver } from '../session/driver-process.js';
import { browse, RelayStandIn } from './relay-stand-in.js';
import { type TempConfig, tempConfig } from './temp-config.js';

const run = promisify(execFile);
const posix = process.platform !== 'win32';
const signal = new AbortController().signal;

let relay: RelayStandIn;
let temp: TempConfig;
let config: AgentConfig;
let store: CredentialStore;

beforeEach(async () => {
  relay = await RelayStandIn.start();
  temp = await tempConfig(relay.origin);
  config = temp.config;
  store = new CredentialStore(config);
});

afterEach(async () => {
  await temp[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

async function logIn(): Promise<Credentials> {
  const openUrl = async (url: string) => void (await browse(url));
  await login(config, { signal, browser: true, notify: () => {}, openUrl });
  relay.tokenRequests.length = 0;
  return kept();
}

async function kept(): Promise<Credentials> {
  const credentials = await store.load();
  if (credentials === undefined) throw new Error('no credentials');
  return credentials;
}

/** Makes the token look as if it ended `seconds` from now, an hour after it was made. */
async function endsIn(seconds: number): Promise<void> {
  const expiresAt = Date.now() + seconds * 1000;
  await store.save({ ...(await kept()), expiresAt, obtainedAt: expiresAt - 3_600_000 });
}

describe('access tokens', () => {
  it('are given as they are while they are good for a minute, and renewed before that', async () => {
    const { accessToken } = await logIn();
    const source = createTokenSource(config);
    await endsIn(65);
    expect(await source.accessToken({ signal })).toBe(accessToken);
    expect(relay.tokenRequests).toHaveLength(0);
    await endsIn(55);
    const renewed = await source.accessToken({ signal });
    expect(renewed).not.toBe(accessToken);
    expect(relay.tokenRequests).toHaveLength(1);
    expect(await kept()).toMatchObject({ accessToken: renewed });
    if (posix) expect((await lstat(store.file)).mode & 0o777).toBe(0o600);
  });

  it('are renewed once when four processes need one at once', async () => {
    await using driver = await buildDriver();
    const before = await logIn();
    await endsIn(-10);
    const settings = join(config.stateDir, 'settings.json');
    await writeFile(settings, JSON.stringify({ config }));
    const outputs = await Promise.all(
      Array.from({ length: 4 }, () => run(process.execPath, [driver.path, 'token', '--config', settings])),
    );
    const tokens = new Set(outputs.map(({ stdout }) => stdout.trim()));
    expect([...tokens]).toEqual([JSON.stringify({ token: (await kept()).accessToken })]);
    expect(relay.tokenRequests).toHaveLength(1);
    expect((await kept()).refreshToken).not.toBe(before.refreshToken);
  });

  it('are renewed once when the relay refuses the same one to several callers', async () => {
    const { accessToken } = await logIn();
    const sources = Array.from({ length: 3 }, () => createTokenSource(config));
    await Promise.all(sources.map((source) => source.accessToken({ signal })));
    const renewed = await Promise.all(sources.map((source) => source.accessToken({ signal, forceRefresh: true })));
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(accessToken);
    expect(relay.tokenRequests).toHaveLength(1);
  });

  it('are renewed after the clock was set back', async () => {
    const { accessToken } = await logIn();
    await store.save({ ...(await kept()), obtainedAt: Date.now() + 7_200_000, expiresAt: Date.now() + 9_000_000 });
    expect(await createTokenSource(config).accessToken({ signal })).not.toBe(accessToken);
  });

  it('stay usable where the relay hands out short ones', async () => {
    relay.tokenSeconds = 20;
    const { accessToken } = await logIn();
    expect(await createTokenSource(config).accessToken({ signal })).toBe(accessToken);
  });
});

describe('without a token', () => {
  it('nobody has logged in', async () => {
    await expect(createTokenSource(config).accessToken({ signal })).rejects.toMatchObject({
      code: 'not_logged_in',
      message: expect.stringContaining('mcp-local-tunnel login'),
    });
  });

  it("the login is another relay's, which never gets to see it", async () => {
    await logIn();
    const other = createTokenSource({ ...config, relay: 'https://other.example' });
    await expect(other.accessToken({ signal })).rejects.toMatchObject({ code: 'not_logged_in' });
  });

  it('the login is over: the relay is asked once, and never again', async () => {
    await logIn();
    relay.forgetGrants();
    await endsIn(-10);
    const source = createTokenSource(config);
    await expect(source.accessToken({ signal })).rejects.toMatchObject({ code: 'login_expired' });
    await expect(source.accessToken({ signal })).rejects.toMatchObject({ code: 'login_expired' });
    expect(relay.tokenRequests).toHaveLength(1);
    expect((await kept()).refreshToken).toBeUndefined();
  });

  it.each([500, 503, 429])('the relay has trouble (%i): the login is kept', async (status) => {
    const { refreshToken } = await logIn();
    await endsIn(-10);
    relay.tokenStatus = status;
    const source = createTokenSource(config);
    await expect(source.accessToken({ signal })).rejects.toMatchObject({ code: 'relay_unreachable' });
    expect((await kept()).refreshToken).toBe(refreshToken);
    relay.tokenStatus = undefined;
    const renewed = await source.accessToken({ signal });
    expect(await kept()).toMatchObject({ accessToken: renewed });
  });

  it('the relay is down: the login is kept', async () => {
    const { refreshToken } = await logIn();
    await endsIn(-10);
    await relay[Symbol.asyncDispose]();
    await expect(createTokenSource(config).accessToken({ signal })).rejects.toMatchObject({
      code: 'relay_unreachable',
    });
    expect((await kept()).refreshToken).toBe(refreshToken);
  });

  it('the caller has gone', async () => {
    await logIn();
    await endsIn(-10);
    const aborted = AbortSignal.abort(new Error('Ctrl-C'));
    await expect(createTokenSource(config).accessToken({ signal: aborted })).rejects.toThrow('Ctrl-C');
    expect(relay.tokenRequests).toHaveLength(0);
  });

  it.runIf(posix)('the file is not ours alone', async () => {
    await logIn();
    await chmod(store.file, 0o644);
    const source = createTokenSource(config);
    await expect(source.accessToken({ signal })).rejects.toMatchObject({ name: 'PrivatePathError', code: 'exposed' });
    await chmod(store.file, 0o600);
    const target = join(config.stateDir, 'elsewhere.json');
    await rename(store.file, target);
    await symlink(target, store.file);
    await expect(source.accessToken({ signal })).rejects.toMatchObject({ name: 'PrivatePathError', code: 'symlink' });
  });

  it('the file is damaged: as if there were none', async () => {
    await logIn();
    await writeFile(store.file, '{"relay":');
    await expect(createTokenSource(config).accessToken({ signal })).rejects.toMatchObject({ code: 'not_logged_in' });
  });
});

describe('device identity', () => {
  it('is made once, random, and for this user only', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => deviceIdentity(config)));
    const ids = new Set(all.map(({ machineId }) => machineId));
    expect(ids.size).toBe(1);
    expect([...ids][0]).toMatch(/^[0-9a-f]{32}$/);
    expect(await deviceIdentity(config)).toEqual(all[0]);
    const { device } = statePaths(config);
    if (posix) expect((await lstat(device)).mode & 0o777).toBe(0o600);
    expect(await readFile(device, 'utf8')).toContain([...ids][0]);
    expect(await deviceIdentity({ ...config, profile: 'fedcba9876543210' })).not.toEqual(all[0]);
  });
});
