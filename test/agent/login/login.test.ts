import { lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CredentialStore } from '../../../src/agent/credentials/store.js';
import { type LoginOptions, login, logout } from '../../../src/agent/login.js';
import type { AgentConfig } from '../../../src/config/config.js';
import { statePaths } from '../../../src/config/paths.js';
import { browse, RelayStandIn } from './relay-stand-in.js';
import { type TempConfig, tempConfig } from './temp-config.js';

const LOOPBACK = /^http:\/\/127\.0\.0\.1:\d+\/callback/;
const posix = process.platform !== 'win32';
const signal = new AbortController().signal;

let relay: RelayStandIn;
let temp: TempConfig;
let config: AgentConfig;

beforeEach(async () => {
  relay = await RelayStandIn.start();
  temp = await tempConfig(relay.origin);
  config = temp.config;
});

afterEach(async () => {
  await temp[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

/** Options of a login at this machine, whose browser does what `openUrl` says. */
function here(openUrl: (url: string) => Promise<unknown>, more: Partial<LoginOptions> = {}): LoginOptions {
  return { signal, browser: true, notify: () => {}, openUrl: async (url) => void (await openUrl(url)), ...more };
}

/** Catches the login address from what is printed. */
function printed(): { notify: (text: string) => void; url: Promise<string>; lines: string[] } {
  const lines: string[] = [];
  let found: (url: string) => void;
  const url = new Promise<string>((resolve) => {
    found = resolve;
  });
  const notify = (text: string) => {
    lines.push(text);
    const match = /https?:\/\/\S+/.exec(text)?.[0];
    if (match !== undefined) found(match);
  };
  return { notify, url, lines };
}

describe('login by the browser of this machine', () => {
  it('asks for what an agent needs and keeps the tokens for this user only', async () => {
    let page: { body: string; status: number } | undefined;
    const pages: Promise<unknown>[] = [];
    const result = await login(
      config,
      here(async (url) => {
        const opened = browse(url).then((last) => {
          page = last;
        });
        pages.push(opened);
      }),
    );
    await Promise.all(pages);
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('You can close this tab.') });

    const asked = Object.fromEntries(relay.authorizations[0] ?? []);
    expect(asked).toMatchObject({
      client_id: 'mcp-local-tunnel-agent',
      scope: 'tunnel',
      resource: `${relay.origin}/ws`,
      code_challenge_method: 'S256',
      redirect_uri: expect.stringMatching(LOOPBACK),
    });
    expect(result).toMatchObject({ relay: relay.origin, file: statePaths(config).credentials });
    expect(result.expiresAt).toBeGreaterThan(Date.now() + 3_500_000);
    if (posix) {
      expect((await lstat(result.file)).mode & 0o777).toBe(0o600);
      expect((await lstat(dirname(result.file))).mode & 0o777).toBe(0o700);
    }
    const kept = await new CredentialStore(config).load();
    expect(kept?.refreshToken).toBeDefined();
    const answer = await fetch(`${relay.origin}/ws`, { headers: { authorization: `Bearer ${kept?.accessToken}` } });
    expect(answer.status).toBe(426);
  });

  it('prints the address, and works though no browser opens', async () => {
    const { notify, url } = printed();
    const done = login(
      config,
      here(() => Promise.reject(new Error('no browser')), { notify }),
    );
    await browse(await url);
    await expect(done).resolves.toMatchObject({ relay: relay.origin });
  });

  it('says that the person declined, and to the browser too', async () => {
    relay.person = 'declines';
    const opened: Promise<{ body: string }>[] = [];
    const done = login(
      config,
      here(async (url) => opened.push(browse(url))),
    );
    await expect(done).rejects.toMatchObject({ code: 'access_denied', message: expect.stringContaining('allow it') });
    expect((await opened[0])?.body).toContain('Not logged in');
    await expect(new CredentialStore(config).load()).resolves.toBeUndefined();
  });

  it('takes no answer to another login, none under another host name, and no other path', async () => {
    const { notify, url } = printed();
    const done = login(
      config,
      here(async () => {}, { notify }),
    );
    const authorize = new URL(await url);
    const callback = new URL(authorize.searchParams.get('redirect_uri') ?? '');
    const state = authorize.searchParams.get('state');
    const forged = await fetch(`${callback}?code=stolen&state=guess`);
    expect(forged.status).toBe(400);
    const elsewhere = await fetch(`${callback.origin}/?code=stolen&state=${state}`);
    expect(elsewhere.status).toBe(404);
    expect(await statusUnderHost(callback, `?code=stolen&state=${state}`, 'evil.example')).toBe(404);
    await browse(authorize.href);
    await expect(done).resolves.toMatchObject({ relay: relay.origin });
    await expect(fetch(callback)).rejects.toThrow();
  });

  it('refuses an answer of another issuer (RFC 9207)', async () => {
    const { notify, url } = printed();
    const done = login(
      config,
      here(async () => {}, { notify }),
    );
    const { url: answer } = await browse(await url, LOOPBACK);
    answer.searchParams.set('iss', 'https://evil.example');
    await Promise.all([expect(done).rejects.toMatchObject({ code: 'refused' }), fetch(answer)]);
    expect(relay.tokenRequests).toHaveLength(0);
  });

  it('gives up when nobody answers, and when it is told to', async () => {
    const waits = here(async () => {});
    await expect(login(config, { ...waits, timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout' });
    const abort = new AbortController();
    const { notify, url } = printed();
    const done = login(config, { ...waits, notify, signal: abort.signal });
    await url;
    abort.abort(new Error('Ctrl-C'));
    await expect(done).rejects.toThrow('Ctrl-C');
  });
});

describe('a login that cannot start', () => {
  const options = () => here(async () => {});

  it('tells an unreachable relay, a server that is none, and a relay under another name apart', async () => {
    const { origin } = relay;
    relay.tamper = (path, document) =>
      path.endsWith('/ws') ? { ...document, resource: 'https://other.example/ws' } : document;
    await expect(login(config, options())).rejects.toMatchObject({
      code: 'wrong_origin',
      message: expect.stringContaining('https://other.example'),
    });
    relay.tamper = () => ({});
    await expect(login(config, options())).rejects.toMatchObject({ code: 'wrong_origin' });
    relay.tamper = () => 'hello';
    await expect(login(config, options())).rejects.toMatchObject({ code: 'not_a_relay' });
    await relay[Symbol.asyncDispose]();
    await expect(login({ ...config, relay: origin }, options())).rejects.toMatchObject({
      code: 'relay_unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('takes only an issuer that is the same string in both documents, with endpoints of its own', async () => {
    relay.tamper = (path, document) =>
      path.endsWith('server') ? { ...document, issuer: `${relay.origin}/` } : document;
    await expect(login(config, options())).rejects.toMatchObject({ code: 'not_a_relay' });
    relay.tamper = (path, document) =>
      path.endsWith('server') ? { ...document, token_endpoint: 'https://evil.example/token' } : document;
    await expect(login(config, options())).rejects.toMatchObject({ code: 'not_a_relay' });
    const device_authorization_endpoint = 'https://evil.example/device/auth';
    relay.tamper = (path, document) =>
      path.endsWith('server') ? { ...document, device_authorization_endpoint } : document;
    await expect(login(config, { ...options(), browser: false })).rejects.toMatchObject({ code: 'not_a_relay' });
  });

  it('does not go in the clear to another machine', async () => {
    const remote = { ...config, relay: 'http://relay.example.com' };
    await expect(login(remote, options())).rejects.toMatchObject({ code: 'insecure' });
  });

  it.runIf(posix)('refuses a symbolic link in place of the credentials before anyone is asked', async () => {
    const { credentials } = statePaths(config);
    const target = `${config.stateDir}/elsewhere.json`;
    await mkdir(dirname(credentials), { recursive: true });
    await writeFile(target, 'untouched');
    await symlink(target, credentials);
    await expect(login(config, options())).rejects.toMatchObject({ name: 'PrivatePathError', code: 'symlink' });
    expect(relay.authorizations).toHaveLength(0);
    expect(await readFile(target, 'utf8')).toBe('untouched');
  });
});

describe('logout', () => {
  it('ends the login at the relay and here', async () => {
    await login(config, here(browse));
    const kept = await new CredentialStore(config).load();
    expect(await relay.accepts(kept?.refreshToken)).toBe(true);
    await expect(logout(config, { signal })).resolves.toEqual({
      relay: relay.origin,
      wasLoggedIn: true,
      revoked: true,
    });
    expect(await relay.accepts(kept?.refreshToken)).toBe(false);
    await expect(new CredentialStore(config).load()).resolves.toBeUndefined();
    await expect(logout(config, { signal })).resolves.toMatchObject({ wasLoggedIn: false, revoked: false });
  });

  it('ends it here when the relay cannot be told, and says so', async () => {
    await login(config, here(browse));
    await relay[Symbol.asyncDispose]();
    const result = await logout(config, { signal });
    expect(result).toMatchObject({
      wasLoggedIn: true,
      revoked: false,
      problem: expect.stringContaining('ECONNREFUSED'),
    });
    await expect(new CredentialStore(config).load()).resolves.toBeUndefined();
  });
});

function statusUnderHost(url: URL, search: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: url.hostname, port: url.port, path: url.pathname + search, headers: { host } }, (res) => {
      res.resume();
      resolve(res.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
