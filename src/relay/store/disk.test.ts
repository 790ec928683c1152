import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

// A full disk and a folder of someone else's are made for a process of its own: limits and users are per process.
const posix = test.skipIf(process.platform === 'win32');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relay-disk-'));
  await chmod(folder, 0o755);
  await symlink(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  await build({
    entryPoints: [fileURLToPath(new URL('./open.ts', import.meta.url))],
    outfile: join(folder, 'open.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `body` after `openStore` was imported, in a shell that has run `before`. @returns what it printed, as JSON */
async function inProcess(before: string, body: string): Promise<unknown> {
  const script = `import { openStore } from './open.mjs';\n${body}`;
  const run = `${before}\nexec "$0" --input-type=module -e "$1"`;
  const { stdout } = await promisify(execFile)('sh', ['-c', run, process.execPath, script], { cwd: folder });
  return JSON.parse(stdout);
}

posix('a full disk is a typed error, and the store is not healthy', async () => {
  // Files that may not grow are what a full disk looks like to LevelDB.
  const body = `
    const store = await openStore('full');
    const before = await store.healthy();
    let code = 'none';
    for (let n = 0; n < 1000 && code === 'none'; n += 1) {
      await store.put('k' + n, 'x'.repeat(1000), { durable: true }).catch((error) => { code = error.code; });
    }
    const still = await store.get('k0');
    console.log(JSON.stringify({ before, code, after: await store.healthy(), still: still.length }));
  `;
  expect(await inProcess('ulimit -f 128', body)).toEqual({ before: true, code: 'full', after: false, still: 1000 });
});

posix('a folder that cannot be written is a typed error that names it', async () => {
  const body = `
    if (process.getuid() === 0) process.setuid(65534);
    await openStore('readonly').catch(({ code, message }) => console.log(JSON.stringify({ code, message })));
  `;
  await mkdir(join(folder, 'readonly'), { mode: 0o555 });
  expect(await inProcess('umask 022', body)).toEqual({
    code: 'readonly',
    message: expect.stringContaining(join('readonly', 'store')),
  });
});
