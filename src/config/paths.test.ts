import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ensurePrivateDir,
  ensureStateDirs,
  expandHome,
  PrivatePathError,
  readPrivateFile,
  removePrivateFile,
  statePaths,
  writePrivateFile,
} from './paths.js';

const posix = process.platform !== 'win32';
let root: string;
let umask: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'paths-'));
  // The worst umask: nothing is taken away, so modes must come from the calls themselves.
  umask = process.umask(0);
});

afterEach(() => {
  process.umask(umask);
  rmSync(root, { recursive: true, force: true });
});

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PrivatePathError)) throw new Error(`expected a PrivatePathError, got ${String(error)}`);
  expect(error.message).toContain(error.path);
  return error.code;
}

describe('private folders', () => {
  it.runIf(posix)('are made 0700 with their parents under umask 000', async () => {
    await ensurePrivateDir(join(root, 'a', 'b'));
    expect(await modeOf(join(root, 'a'))).toBe('700');
    expect(await modeOf(join(root, 'a', 'b'))).toBe('700');
  });

  it.runIf(posix)('of ours that were open are closed', async () => {
    await mkdir(join(root, 'open'), { mode: 0o755 });
    await ensurePrivateDir(join(root, 'open'));
    expect(await modeOf(join(root, 'open'))).toBe('700');
  });

  it('refuse a planted symbolic link and leave its target alone', async () => {
    await mkdir(join(root, 'target'), { mode: 0o755 });
    await symlink(join(root, 'target'), join(root, 'link'), 'junction');
    expect(await codeOf(ensurePrivateDir(join(root, 'link')))).toBe('symlink');
    if (posix) expect(await modeOf(join(root, 'target'))).toBe('755');
  });

  it('refuse a file in their place', async () => {
    await writeFile(join(root, 'file'), '');
    expect(await codeOf(ensurePrivateDir(join(root, 'file')))).toBe(posix ? 'kind' : 'io');
  });
});

describe('private files', () => {
  it('come back as written and leave no temporary file', async () => {
    const path = join(root, 'secret.json');
    await writePrivateFile(path, 'one');
    await writePrivateFile(path, 'zwei ✓');
    expect(await readPrivateFile(path)).toBe('zwei ✓');
    expect(await readdir(root)).toEqual(['secret.json']);
    if (posix) expect(await modeOf(path)).toBe('600');
  });

  it.runIf(posix)('get 0600 also when they replace an open file', async () => {
    const path = join(root, 'secret.json');
    await writeFile(path, 'old', { mode: 0o644 });
    await writePrivateFile(path, 'new');
    expect(await modeOf(path)).toBe('600');
  });

  it('are undefined when missing', async () => {
    expect(await readPrivateFile(join(root, 'none'))).toBeUndefined();
  });

  it.runIf(posix)('are refused when others can read them', async () => {
    const path = join(root, 'secret.json');
    await writePrivateFile(path, 'x');
    await chmod(path, 0o640);
    expect(await codeOf(readPrivateFile(path))).toBe('exposed');
  });

  it.runIf(posix)('are neither read nor written through a planted symbolic link', async () => {
    const target = join(root, 'target');
    const link = join(root, 'link');
    await writeFile(target, 'untouched', { mode: 0o600 });
    await symlink(target, link);
    expect(await codeOf(readPrivateFile(link))).toBe('symlink');
    expect(await codeOf(writePrivateFile(link, 'evil'))).toBe('symlink');
    expect(await readFile(target, 'utf8')).toBe('untouched');
    await removePrivateFile(link);
    expect(await readFile(target, 'utf8')).toBe('untouched');
    await expect(lstat(link)).rejects.toThrow('ENOENT');
  });

  it.runIf(posix)('are refused without hanging when a named pipe stands there', async () => {
    const path = join(root, 'pipe');
    expect(spawnSync('mkfifo', ['-m', '600', path]).status).toBe(0);
    expect(await codeOf(readPrivateFile(path))).toBe('kind');
  });

  it.runIf(posix)('are refused when they belong to another user', async () => {
    // Only root can give a file away; anyone else has root's own files at hand.
    const path = process.getuid?.() === 0 ? join(root, 'foreign') : '/etc/passwd';
    if (process.getuid?.() === 0) {
      await writePrivateFile(path, 'x');
      await chown(path, 12345, 12345);
    }
    expect(await codeOf(readPrivateFile(path))).toBe('foreign');
  });

  it('say what the system said when the folder is missing', async () => {
    expect(await codeOf(writePrivateFile(join(root, 'none', 'secret'), 'x'))).toBe('io');
  });
});

describe('state paths', () => {
  it('of two profiles share the log folder only', async () => {
    const one = await ensureStateDirs({ stateDir: root, profile: 'one' });
    const two = statePaths({ stateDir: root, profile: 'two' });
    expect(two.logs).toBe(one.logs);
    for (const key of ['dir', 'credentials', 'device', 'socket', 'lock', 'log'] as const) {
      expect(two[key]).not.toBe(one[key]);
    }
    if (posix) expect(await modeOf(one.logs)).toBe('700');
  });

  it.runIf(posix)('keep the socket short enough for the kernel', async () => {
    const deep = join(root, 'x'.repeat(120));
    const paths = await ensureStateDirs({ stateDir: deep, profile: 'p' });
    expect(Buffer.byteLength(paths.socket)).toBeLessThanOrEqual(100);
  });

  it('expand the home folder', () => {
    expect(expandHome('~/x', '/home/me')).toBe(join('/home/me', 'x'));
    expect(expandHome('~', '/home/me')).toBe('/home/me');
    expect(expandHome('~other/x', '/home/me')).toBe('~other/x');
  });
});
