import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { AgentConfig } from '../../config/config.js';
import { ensureStateDirs, isOwnDir, readPrivateFile, statePaths, writePrivateFile } from '../../config/paths.js';

/**
 * Where the control socket of this profile listens, made ready for listening. On Windows a named pipe: all users share
 * those names, so ours is a secret kept in a private file, which nobody can take before us.
 * @throws PrivatePathError
 */
export async function ensureControlAddress(config: AgentConfig): Promise<string> {
  const { socket, lock } = await ensureStateDirs(config);
  if (process.platform !== 'win32') return socket;
  const known = await controlAddress(config);
  if (known !== undefined) return known;
  const { withFileLock } = await import('../credentials/file-lock.js');
  return withFileLock(`${lock}-pipe`, new AbortController().signal, async () => {
    const made = await controlAddress(config);
    if (made !== undefined) return made;
    const secret = randomBytes(16).toString('hex');
    await writePrivateFile(pipeFile(config), secret);
    return pipeName(secret);
  });
}

/** The same address without making anything; undefined when nothing can be listening yet. @throws PrivatePathError */
export async function controlAddress(config: AgentConfig): Promise<string | undefined> {
  if (process.platform !== 'win32') {
    const { socket, dir } = statePaths(config);
    // Of a long path it is in the temporary folder, where another user could have been first.
    return dirname(socket) === dir || (await isOwnDir(dirname(socket))) ? socket : undefined;
  }
  const secret = await readPrivateFile(pipeFile(config));
  return secret !== undefined && /^[0-9a-f]{32}$/.test(secret) ? pipeName(secret) : undefined;
}

function pipeFile(config: AgentConfig): string {
  return join(statePaths(config).dir, 'pipe');
}

function pipeName(secret: string): string {
  return `\\\\.\\pipe\\mcp-local-tunnel-${secret}`;
}
