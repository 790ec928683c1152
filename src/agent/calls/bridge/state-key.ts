import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { AgentConfig } from '../../../config/config.js';
import { ensureStateDirs, readPrivateFile, writePrivateFile } from '../../../config/paths.js';
import { withFileLock } from '../../credentials/file-lock.js';

/** 32 bytes that seal what clients bring back to this profile; made and kept on first use. @throws PrivatePathError */
export async function requestStateKey(config: Pick<AgentConfig, 'stateDir' | 'profile'>): Promise<Uint8Array> {
  const { dir, lock } = await ensureStateDirs(config);
  const path = join(dir, 'request-state.json');
  const known = decode(await readPrivateFile(path));
  if (known !== undefined) return known;
  return withFileLock(`${lock}-request-state`, new AbortController().signal, async () => {
    const made = decode(await readPrivateFile(path));
    if (made !== undefined) return made;
    const key = randomBytes(32);
    await writePrivateFile(path, JSON.stringify({ key: key.toString('base64url') }));
    return key;
  });
}

function decode(text: string | undefined): Uint8Array | undefined {
  const key = text === undefined ? undefined : /^\{"key":"([\w-]{43})"\}$/.exec(text)?.[1];
  return key === undefined ? undefined : Buffer.from(key, 'base64url');
}
