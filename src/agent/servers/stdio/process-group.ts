import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

/** How long a server may take over each step of its end: after its stdin closed, and after SIGTERM. */
const STEP_MS = 2_000;
const POLL_MS = 25;

/**
 * Ends a child that leads its own process group, and everything in the group with it (`npx` and `uvx` leave the real
 * server as a grandchild): stdin closed, after 2 s SIGTERM, after 2 s SIGKILL (MCP 2025-11-25 basic/lifecycle#shutdown).
 * Windows has no groups: there `taskkill` ends the tree. An agent that is itself killed hard cannot do this; then the
 * closed stdin is all a server gets, and those that heed it end.
 */
export async function endProcessGroup(child: ChildProcess, platform: NodeJS.Platform): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  child.stdin?.end();
  if (await isGone(child, pid, platform)) return;
  await signalGroup(pid, 'SIGTERM', platform);
  if (await isGone(child, pid, platform)) return;
  await signalGroup(pid, 'SIGKILL', platform);
  await isGone(child, pid, platform);
}

/** Waits until neither the child nor any of its group is left; false when they outlast the step. */
async function isGone(child: ChildProcess, pid: number, platform: NodeJS.Platform): Promise<boolean> {
  const deadline = Date.now() + STEP_MS;
  while (await isAlive(child, pid, platform)) {
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

async function isAlive(child: ChildProcess, pid: number, platform: NodeJS.Platform): Promise<boolean> {
  if (child.exitCode === null && child.signalCode === null) return true;
  if (platform === 'win32') return false;
  try {
    // While one member lives the group keeps its number, so this never speaks of another's group.
    process.kill(-pid, 0);
  } catch {
    return false;
  }
  return platform !== 'linux' || (await runs(pid));
}

/**
 * Whether any of a group still runs. A grandchild that has ended stays in its group until the system's first process
 * asks after it, which in many containers comes seconds later or never: nothing is left to wait for, or to signal.
 * True when /proc does not show the group, as when it is not mounted.
 */
async function runs(group: number): Promise<boolean> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')));
  // proc_pid_stat(5): "pid (command) state parent group ...", and a command may have brackets and blanks itself.
  const members = stats
    .map((stat) => /^.*\) (\S) \d+ (\d+) /s.exec(stat))
    .filter((found) => Number(found?.[2]) === group);
  return members.length === 0 || members.some((found) => found?.[1] !== 'Z' && found?.[1] !== 'X');
}

async function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL', platform: NodeJS.Platform): Promise<void> {
  if (platform === 'win32') {
    await new Promise<void>((resolve) => {
      const force = signal === 'SIGKILL' ? ['/F'] : [];
      const kill = spawn('taskkill', ['/PID', String(pid), '/T', ...force], { stdio: 'ignore', windowsHide: true });
      kill.once('error', () => resolve());
      kill.once('exit', () => resolve());
    });
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // All of them have ended.
  }
}
