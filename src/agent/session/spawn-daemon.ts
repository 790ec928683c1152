import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { AgentConfig } from '../../config/config.js';
import { ensureStateDirs, writePrivateFile } from '../../config/paths.js';
import { readLines } from './control-protocol.js';
import { decodeStartReport, type StartReport } from './start-report.js';

const START_MS = 30_000;
const STDERR_CHARACTERS = 1_000;

/** The command line that runs the daemon of a profile. */
export interface DaemonCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** This very program again: same Node, same script, same config (by argument, or by the environment it inherits). */
export function daemonCommand(config: AgentConfig, configArgument: string | undefined): DaemonCommand {
  const script = process.argv[1];
  if (script === undefined) throw new Error('no script to start the background agent with');
  // A debugger's port is taken by this process.
  const nodeOptions = process.execArgv.filter((option) => !option.startsWith('--inspect'));
  const args = [...nodeOptions, script, 'agent', '--daemon'];
  if (configArgument !== undefined) args.push('--config', configArgument);
  if (config.insecure) args.push('--insecure');
  return { file: process.execPath, args };
}

/**
 * Runs in a process of its own between us and the daemon, and ends at once: the daemon then has no living parent, and is
 * no descendant of ours. Some MCP clients end every descendant of their servers, in whatever process group.
 */
const INTERMEDIATE = `
const [file, ...args] = process.argv.slice(1);
const child = require('node:child_process').spawn(file, args, {
  detached: true, stdio: ['ignore', 'inherit', 'inherit'], windowsHide: true,
});
child.on('error', (error) => { console.error(error.message); process.exit(1); });
child.on('spawn', () => process.exit(0));
`;

/** Starts the daemon and waits until it is ready, has found another one, or has failed. @throws PrivatePathError, or the signal's reason */
export async function spawnDaemon(
  config: AgentConfig,
  command: DaemonCommand,
  signal: AbortSignal,
): Promise<StartReport> {
  const { log } = await ensureStateDirs(config);
  const stderrFile = log.replace(/\.log$/, '.stderr.log');
  await writePrivateFile(stderrFile, '');
  signal.throwIfAborted();
  const stderr = await open(stderrFile, 'a');
  try {
    const args = ['--input-type=commonjs', '-e', INTERMEDIATE, '--', command.file, ...command.args];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', stderr.fd], windowsHide: true });
    const { stdout } = child;
    if (stdout === null) throw new Error('the background agent was started without a pipe');
    try {
      const report = await Promise.race([firstReport(stdout, signal), failedSpawn(child)]);
      return report ?? { kind: 'failed', message: await whatItSaid(stderrFile) };
    } finally {
      stdout.destroy();
    }
  } finally {
    await stderr.close();
  }
}

/** @returns undefined when the daemon ended, or took too long, without a word */
function firstReport(stdout: Readable, signal: AbortSignal): Promise<StartReport | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => resolve(undefined), START_MS);
    const settle = (report: StartReport | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(report);
    };
    readLines(
      stdout,
      (line) => {
        const report = decodeStartReport(line);
        if (report !== undefined) settle(report);
      },
      () => settle(undefined),
    );
    stdout.once('close', () => settle(undefined));
  });
}

async function failedSpawn(child: NodeJS.EventEmitter): Promise<StartReport> {
  const [error]: unknown[] = await once(child, 'error');
  return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
}

async function whatItSaid(stderrFile: string): Promise<string> {
  const text = await readFile(stderrFile, 'utf8');
  const last = text.trim().slice(-STDERR_CHARACTERS);
  return last === '' ? 'it ended without a word' : last;
}
