import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type TempConfig, tempConfig } from '../../../test/agent/login/temp-config.js';
import type { AgentConfig } from '../../config/config.js';
import { openDaemonLog } from './daemon-log.js';

const LINE = `${'x'.repeat(1023)}\n`;

let temp: TempConfig;
let config: AgentConfig;

beforeEach(async () => {
  temp = await tempConfig('http://127.0.0.1:9');
  config = temp.config;
});

afterEach(() => temp[Symbol.asyncDispose]());

it('keeps five files of its size, for this user only', async () => {
  const { file, stream, close } = await openDaemonLog(config, '4K');
  const write = promisify<string, void>((line, done) => stream.write(line, (error) => done(error ?? null)));
  for (let lines = 0; lines < 40; lines++) await write(LINE);
  await close();
  const names = (await readdir(dirname(file))).sort();
  const name = basename(file);
  expect(names).toEqual([name, `${name}.1`, `${name}.2`, `${name}.3`, `${name}.4`]);
  for (const each of names) {
    const { size, mode } = await lstat(join(dirname(file), each));
    expect(size).toBeLessThanOrEqual(4 * 1024 + LINE.length);
    if (process.platform !== 'win32') expect(mode & 0o777).toBe(0o600);
  }
});

it('goes on where an earlier daemon stopped', async () => {
  for (const text of ['one\n', 'two\n']) {
    const { stream, close } = await openDaemonLog(config);
    stream.write(text);
    await close();
  }
  const { file, close } = await openDaemonLog(config);
  await close();
  expect((await lstat(file)).size).toBe(8);
});
