import { readFileSync } from 'node:fs';

/**
 * Whether this process still runs. One that has ended stays in the table until its parent, or the system's first
 * process, asks after it, which not every container's does: that one runs no more.
 */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
