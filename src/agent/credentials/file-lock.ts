import { setTimeout as wait } from 'node:timers/promises';
import lockfile from 'proper-lockfile';

/** A holder that was killed is taken for gone after this. */
const STALE_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;

/**
 * Runs `task` while no other process (nor other caller in this one) runs a task under the same path.
 * @throws the signal's reason, an Error after a minute without the lock, or what `task` throws
 */
export async function withFileLock<T>(path: string, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  const release = await acquire(path, signal);
  try {
    return await task();
  } finally {
    // A lock lost meanwhile (the machine slept) is no longer ours to release.
    await release().catch(() => {});
  }
}

async function acquire(path: string, signal: AbortSignal): Promise<() => Promise<void>> {
  const giveUp = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    signal.throwIfAborted();
    surviveHangup();
    try {
      // Without onCompromised a lost lock would end the process from inside a timer.
      return await lockfile.lock(path, {
        realpath: false,
        lockfilePath: `${path}.lock`,
        stale: STALE_MS,
        onCompromised: () => {},
      });
    } catch (error) {
      if (!isHeld(error)) throw error;
      if (Date.now() > giveUp) throw new Error(`${path}.lock is held by another process for over a minute`);
    }
    await wait(20 + Math.random() * 80, undefined, { signal });
  }
}

/**
 * proper-lockfile brings a SIGHUP listener that ends the process unless somebody else listens too. Under nohup nobody
 * does, since the user wants the process to go on.
 */
function surviveHangup(): void {
  if (process.listenerCount('SIGHUP') === 1) process.on('SIGHUP', () => {});
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOCKED';
}
