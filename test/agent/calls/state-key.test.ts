import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requestStateKey } from '../../../src/agent/calls/bridge/state-key.js';
import { tempFolder } from '../../helpers/temp.js';

describe('requestStateKey', () => {
  it('is made once for a profile and kept for this user alone', async () => {
    await using folder = await tempFolder('state-key');
    const config = { stateDir: folder.path, profile: 'one' };
    const [key, same] = await Promise.all([requestStateKey(config), requestStateKey(config)]);
    expect(key).toHaveLength(32);
    expect(same).toEqual(key);
    expect(await requestStateKey(config)).toEqual(key);
    expect(await requestStateKey({ ...config, profile: 'two' })).not.toEqual(key);
    const path = join(folder.path, 'one', 'request-state.json');
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeFile(path, '{"key":"short"}');
    expect(await requestStateKey(config)).not.toEqual(key);
  });
});
