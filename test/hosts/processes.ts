import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Ids of the processes with exactly this command line. */
export async function running(commandLine: readonly string[]): Promise<number[]> {
  return (await all()).filter(({ command }) => command === commandLine.join(' ')).map(({ pid }) => pid);
}

/** Parents of a process, nearest first. */
export async function ancestors(pid: number): Promise<number[]> {
  const parents = new Map((await all()).map(({ pid, parent }) => [pid, parent]));
  const found: number[] = [];
  for (let next = parents.get(pid); next !== undefined && next > 1; next = parents.get(next)) found.push(next);
  return found;
}

async function all(): Promise<Process[]> {
  const { stdout } = await exec('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { maxBuffer: 1e8 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    // One that has ended and is not yet collected is gone.
    if (command === undefined || state?.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), command }];
  });
}
