import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { RelayConfig } from '../../config/config.js';
import { StoreError, storeError } from './errors.js';

const BYTES = 32;
// Absent on Windows, where links need a privilege.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/**
 * What every key of the relay derives from: `config.secret`, or 32 random bytes made once and kept in
 * `<dataDir>/secret` (0600, never through a symbolic link). Call it after openStore, whose lock makes this process
 * the only one in the folder.
 * @throws StoreError when the file cannot be used, or others may read it
 */
export async function relaySecret(config: Pick<RelayConfig, 'secret' | 'dataDir'>): Promise<Uint8Array> {
  if (config.secret !== undefined) return new TextEncoder().encode(config.secret);
  const file = join(config.dataDir, 'secret');
  try {
    return (await readSecret(file)) ?? (await makeSecret(file));
  } catch (cause) {
    throw storeError(cause, file);
  }
}

async function readSecret(file: string): Promise<Uint8Array | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, constants.O_RDONLY | NO_FOLLOW);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw unusable(file, 'is a symbolic link', 'Replace it with the file itself.', error);
    throw error;
  }
  try {
    const { mode } = await handle.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw unusable(file, 'can be read by other users', `Run: chmod 600 ${file}`);
    }
    const text = (await handle.readFile('utf8')).trim();
    const secret = Buffer.from(text, 'base64url');
    if (secret.length < BYTES) throw unusable(file, 'is damaged', 'Restore it, or delete it and have everyone log in.');
    return secret;
  } finally {
    await handle.close();
  }
}

async function makeSecret(file: string): Promise<Uint8Array> {
  const secret = randomBytes(BYTES);
  const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW, 0o600);
  try {
    await handle.writeFile(`${secret.toString('base64url')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return secret;
}

function unusable(file: string, what: string, todo: string, cause?: unknown): StoreError {
  return new StoreError('failed', `${file} ${what}. ${todo}`, { cause });
}
