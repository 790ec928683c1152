import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StoreError } from './errors.js';
import type { LevelStore } from './level-store.js';
import { openStore } from './open.js';

let dataDir: string;
let store: LevelStore;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-store-'));
  store = await openStore(dataDir);
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function reopen(): Promise<void> {
  await store.close();
  store = await openStore(dataDir);
}

async function keys(prefix: string): Promise<string[]> {
  const found = [];
  for await (const [key] of store.list(prefix)) found.push(key);
  return found;
}

function later(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

async function errorOf(attempt: Promise<unknown>): Promise<StoreError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StoreError)) throw new Error(`no StoreError: ${error}`);
  return error;
}

test('what was put is there, also after a restart', async () => {
  const value = { text: 'ü \n "', list: [1, null, true], nested: { a: 1 } };
  await store.put('a:1', value, { durable: true });
  await store.put('a:2', 'second');
  expect(await store.get('a:1')).toEqual(value);
  await reopen();
  expect(await store.get('a:1')).toEqual(value);
  await store.delete('a:1');
  expect(await store.get('a:1')).toBeUndefined();
  expect(await store.get('a:2')).toBe('second');
});

test('list gives the live entries of a prefix in key order', async () => {
  for (const key of ['b:2', 'a:9', 'b:1', 'c:1', 'b:\u{1F600}', 'b', 'b:10']) await store.put(key, key);
  await store.put('b:gone', 1, { ttlSeconds: 1 });
  later(2);
  expect(await keys('b:')).toEqual(['b:1', 'b:10', 'b:2', 'b:\u{1F600}']);
  expect(await keys('nothing')).toEqual([]);
});

test('list may be left early', async () => {
  for (const key of ['x:1', 'x:2']) await store.put(key, key);
  for await (const [key] of store.list('x:')) {
    expect(key).toBe('x:1');
    break;
  }
});

test('an entry ends with its time to live, and a sweep removes it', async () => {
  await store.put('short', 1, { ttlSeconds: 10 });
  await store.put('long', 2, { ttlSeconds: 100 });
  await store.put('forever', 3);
  later(9);
  expect(await store.get('short')).toBe(1);
  later(2);
  expect(await store.get('short')).toBeUndefined();
  await store.sweep();
  vi.useRealTimers();
  expect(await store.get('short')).toBeUndefined();
  expect(await keys('')).toEqual(['forever', 'long']);
});

test('a sweep leaves what was put again after it looked', async () => {
  const names = Array.from({ length: 300 }, (_, n) => `k:${n}`);
  await Promise.all(names.map((name) => store.put(name, 'old', { ttlSeconds: 1 })));
  later(2);
  const sweeping = store.sweep();
  // The sweep reads many entries at once and removes them one by one.
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([sweeping, ...names.map((name) => store.put(name, 'new', { ttlSeconds: 60 }))]);
  expect(await keys('k:')).toHaveLength(names.length);
});

test('one of a hundred concurrent claims wins, until it expires', async () => {
  const claims = await Promise.all(
    Array.from({ length: 100 }, (_, n) => store.claim('spent:1', n, { ttlSeconds: 10 })),
  );
  expect(claims.filter(Boolean)).toHaveLength(1);
  expect(await store.get('spent:1')).toBe(claims.indexOf(true));
  await reopen();
  expect(await store.claim('spent:1', 'again')).toBe(false);
  later(11);
  expect(await store.claim('spent:1', 'again')).toBe(true);
});

test('a failed write does not block the next one of the same key', async () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  await expect(store.put('k', circular)).rejects.toThrow();
  await store.put('k', 1);
  expect(await store.get('k')).toBe(1);
});

test('a second relay on the folder is refused and told what to do', async () => {
  const error = await errorOf(openStore(dataDir));
  expect(error.code).toBe('locked');
  expect(error.message).toContain(dataDir);
  expect(error.message).toContain('"dataDir"');
  expect(await store.healthy()).toBe(true);
});

test('a second process is refused too', async () => {
  const url = new URL('./level-store.ts', import.meta.url);
  const script = `
    import { ClassicLevel } from 'classic-level';
    const db = new ClassicLevel(${JSON.stringify(join(dataDir, 'store'))});
    db.open().catch((error) => console.log(error.cause.code));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: new URL('../../..', url),
  });
  expect(stdout.trim()).toBe('LEVEL_LOCKED');
});

test('after close every method says so', async () => {
  await store.close();
  expect((await errorOf(store.get('a'))).code).toBe('closed');
  expect((await errorOf(store.put('a', 1))).code).toBe('closed');
  expect((await errorOf(keys(''))).code).toBe('closed');
  expect(await store.healthy()).toBe(false);
});

test.skipIf(process.platform === 'win32')('the folder is 0700 whatever it was', async () => {
  const other = join(dataDir, 'other');
  await mkdir(join(other, 'store'), { recursive: true, mode: 0o755 });
  await (await openStore(other)).close();
  expect((await stat(join(other, 'store'))).mode & 0o777).toBe(0o700);
});

test('a file where the folder should be is an error with the path', async () => {
  const file = join(dataDir, 'file');
  await writeFile(file, '');
  expect((await errorOf(openStore(file))).message).toContain(file);
});
