import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentEnvironment } from '../../../config/environment.js';
import { loginPath, mergePaths } from './login-path.js';

const never = new AbortController().signal;

const ask = (env: Record<string, string>, signal = never, platform: NodeJS.Platform = 'linux') =>
  loginPath(agentEnvironment(env, platform), signal);

describe.skipIf(process.platform === 'win32')('loginPath', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'login-path-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it('asks the login shell, whatever its start-up files print', async () => {
    await writeFile(
      join(home, '.profile'),
      'echo welcome; export PATH="/opt/tools/bin:$PATH"; echo "$SECRET" > "$HOME/seen"\n',
    );
    const env = { HOME: home, SHELL: '/bin/sh', PATH: '/usr/bin:/bin', SECRET: 'canary' };
    expect(await ask(env)).toContain('/opt/tools/bin');
    expect(await readFile(join(home, 'seen'), 'utf8')).toBe('\n');
  });

  it('keeps our own PATH when there is no answer', async () => {
    const env = { HOME: home, PATH: '/usr/bin:/bin' };
    expect(await ask({ ...env, SHELL: '/nonexistent/sh' })).toBe(env.PATH);
    expect(await ask({ ...env, SHELL: '/usr/bin/nu' })).toBe(env.PATH);
    const broken = join(home, 'bash');
    await writeFile(broken, '#!/bin/sh\nexit 3\n');
    await chmod(broken, 0o755);
    expect(await ask({ ...env, SHELL: broken })).toBe(env.PATH);
  });

  it('stops waiting when told to', async () => {
    const slow = join(home, 'zsh');
    await writeFile(slow, '#!/bin/sh\nread forever < /dev/zero\n');
    await chmod(slow, 0o755);
    const stop = new AbortController();
    const asked = ask({ HOME: home, PATH: '/bin', SHELL: slow }, stop.signal);
    stop.abort();
    expect(await asked).toBe('/bin');
  });
});

describe('mergePaths', () => {
  it('has what only we have first, then the login shell in its order', () => {
    expect(mergePaths('/bin:/usr/bin', '/nvm/bin:/usr/bin:/bin:/nvm/bin:')).toBe('/nvm/bin:/usr/bin:/bin');
    expect(mergePaths('/venv/bin:/usr/bin', '/usr/local/bin:/usr/bin')).toBe('/venv/bin:/usr/local/bin:/usr/bin');
    expect(mergePaths('', '/bin')).toBe('/bin');
  });
});
