import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { relaySecret } from './secret.js';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-secret-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const posix = test.skipIf(process.platform === 'win32');

test('the configured secret is used and nothing is written', async () => {
  expect(await relaySecret({ dataDir, secret: 'configured' })).toEqual(new TextEncoder().encode('configured'));
  await expect(stat(join(dataDir, 'secret'))).rejects.toThrow('ENOENT');
});

test('without one it is made once', async () => {
  const made = await relaySecret({ dataDir });
  expect(made).toHaveLength(32);
  expect(Buffer.from(await relaySecret({ dataDir }))).toEqual(Buffer.from(made));
  expect(await readFile(join(dataDir, 'secret'), 'utf8')).toBe(`${Buffer.from(made).toString('base64url')}\n`);
});

posix('the file is 0600 whatever the umask', async () => {
  const umask = process.umask(0);
  try {
    await relaySecret({ dataDir });
  } finally {
    process.umask(umask);
  }
  expect((await stat(join(dataDir, 'secret'))).mode & 0o777).toBe(0o600);
});

posix('a symbolic link is refused and its target left alone', async () => {
  const target = join(dataDir, 'target');
  await writeFile(target, 'untouched', { mode: 0o600 });
  await symlink(target, join(dataDir, 'secret'));
  await expect(relaySecret({ dataDir })).rejects.toThrow('symbolic link');
  expect(await readFile(target, 'utf8')).toBe('untouched');
});

posix('a file that others can read is refused, with the command that mends it', async () => {
  await relaySecret({ dataDir });
  await chmod(join(dataDir, 'secret'), 0o644);
  await expect(relaySecret({ dataDir })).rejects.toThrow(`chmod 600 ${join(dataDir, 'secret')}`);
});

test('a damaged file is not replaced: every login would be lost', async () => {
  await writeFile(join(dataDir, 'secret'), 'short\n', { mode: 0o600 });
  await expect(relaySecret({ dataDir })).rejects.toThrow('damaged');
});
