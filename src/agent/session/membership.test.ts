import { afterEach, beforeEach, expect, it } from 'vitest';
import { type TempConfig, tempConfig } from '../../../test/agent/login/temp-config.js';
import type { Logger } from '../../log/logger.js';
import { acquireInstance, type Instance } from './instance.js';
import { Membership } from './membership.js';

let temp: TempConfig;
let instance: Instance;

beforeEach(async () => {
  temp = await tempConfig('http://127.0.0.1:9');
  instance = await acquireInstance(temp.config);
});

afterEach(async () => {
  await instance.release();
  await temp[Symbol.asyncDispose]();
});

it('ends when its client went at the very moment it joined', async () => {
  const ended = new AbortController();
  const nothing = () => {};
  const logger: Logger = {
    debug: nothing,
    info: () => ended.abort(),
    warn: nothing,
    error: nothing,
    child: () => logger,
  };
  const membership = new Membership(temp.config, { command: { file: '', args: [] }, version: '0', logger });
  await membership.run(ended.signal);
  expect(ended.signal.aborted).toBe(true);
});
