import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { createStream, type FileSize } from 'rotating-file-stream';
import type { AgentConfig } from '../../config/config.js';
import { ensureStateDirs } from '../../config/paths.js';

/** The log and four older ones (`.1` to `.4`). */
const OLDER_FILES = 4;

export interface DaemonLog {
  readonly file: string;
  readonly stream: Writable;
  /** Writes out what is buffered. */
  close(): Promise<void>;
}

/** The daemon's log: five files of `size` (default 1 MiB) at most, for this user only. @throws PrivatePathError */
export async function openDaemonLog(config: AgentConfig, size: FileSize = '1M'): Promise<DaemonLog> {
  const { log } = await ensureStateDirs(config);
  const stream = createStream(basename(log), { path: dirname(log), size, rotate: OLDER_FILES, mode: 0o600 });
  // A full disk must not end the agent: lines are lost, calls are not.
  stream.on('error', () => {});
  stream.on('warning', () => {});
  return {
    file: log,
    stream,
    async close() {
      const closed = once(stream, 'close');
      stream.end();
      await closed;
    },
  };
}
