import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { basename } from 'node:path';
import type { AgentEnvironment } from '../../../config/environment.js';

const TIMEOUT_MS = 5_000;
const OUTPUT_CHARACTERS = 1024 * 1024;
/** Shells that know `-i -l -c`, `printf` and `"$PATH"`. */
const SHELLS = ['bash', 'dash', 'fish', 'ksh', 'sh', 'zsh'];

/**
 * PATH as a login shell of this user has it. A desktop or service manager starts programs with a poor one, in which
 * neither `npx` nor `uvx` is found. Folders that only our own PATH has (a virtual environment) stay in front.
 * Never fails: without an answer in time our own PATH stands.
 */
export async function loginPath(environment: AgentEnvironment, signal: AbortSignal): Promise<string> {
  const { path, shell = accountShell() } = environment;
  if (shell === undefined || !SHELLS.includes(basename(shell))) return path;
  const found = await askShell(shell, environment, signal);
  return found ? mergePaths(path, found) : path;
}

/** The account's shell: a service manager need not set SHELL. None on Windows. */
function accountShell(): string | undefined {
  try {
    return userInfo().shell ?? undefined;
  } catch {
    return undefined; // a container's user may have no account
  }
}

/** The login shell's folders in its order, after those it does not have. */
export function mergePaths(own: string, login: string): string {
  const folders = login.split(':').filter((folder) => folder !== '');
  const extra = own.split(':').filter((folder) => folder !== '' && !folders.includes(folder));
  return [...new Set([...extra, ...folders])].join(':');
}

function askShell(shell: string, environment: AgentEnvironment, signal: AbortSignal): Promise<string | undefined> {
  // What start-up files print comes before or after; the marker tells it from the answer.
  const marker = randomUUID();
  const command = `printf '%s%s%s' '${marker}' "$PATH" '${marker}'`;
  const env = { ...environment.child, TERM: 'dumb' };
  return new Promise((resolve) => {
    let output = '';
    let child: ChildProcess | undefined;
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      killGroup(child);
      resolve(output.split(marker)[1] || undefined);
    };
    const timer = setTimeout(finish, TIMEOUT_MS);
    signal.addEventListener('abort', finish);
    try {
      // Detached: an interactive shell must not reach for our terminal, and what it leaves behind ends with its group.
      child = spawn(shell, ['-i', '-l', '-c', command], { env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return finish();
    }
    child.once('error', finish);
    child.once('close', finish);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(0, OUTPUT_CHARACTERS);
      if (output.split(marker).length > 2) finish();
    });
  });
}

function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The shell and all it started have ended.
  }
}
