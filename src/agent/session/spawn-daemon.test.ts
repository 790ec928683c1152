import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TempConfig, tempConfig } from '../../../test/agent/login/temp-config.js';
import type { AgentConfig } from '../../config/config.js';
import { spawnDaemon } from './spawn-daemon.js';

const signal = new AbortController().signal;

let temp: TempConfig;
let config: AgentConfig;

beforeEach(async () => {
  temp = await tempConfig('http://127.0.0.1:9');
  config = temp.config;
});

afterEach(() => temp[Symbol.asyncDispose]());

/** Starts Node with this program in place of the daemon. */
function start(program: string) {
  return spawnDaemon(config, { file: process.execPath, args: ['-e', program] }, signal);
}

describe('the start of a daemon', () => {
  it('is told by its report, whatever else it prints', async () => {
    expect(await start(`console.log('hello'); console.log('{"kind":"ready"}')`)).toEqual({ kind: 'ready' });
    expect(await start(`console.log('{"kind":"held"}')`)).toEqual({ kind: 'held' });
    const failed = { kind: 'failed', message: 'no room' };
    expect(await start(`console.log('${JSON.stringify(failed)}')`)).toEqual(failed);
  });

  it('that fails is told by what the program said last', async () => {
    expect(await start(`throw new Error('broken config')`)).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('broken config'),
    });
    expect(await start('')).toEqual({ kind: 'failed', message: 'it ended without a word' });
    const missing = { file: join(config.stateDir, 'no-such-program'), args: [] };
    expect(await spawnDaemon(config, missing, signal)).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('gives its arguments on as they are', async () => {
    const args = ['-e', 'console.log(JSON.stringify({kind:"failed",message:process.argv.slice(1).join("|")}))', '--'];
    const odd = ['--config', 'a b"c', "d'e", '$HOME', ''];
    expect(await spawnDaemon(config, { file: process.execPath, args: [...args, ...odd] }, signal)).toEqual({
      kind: 'failed',
      message: odd.join('|'),
    });
  });
});
