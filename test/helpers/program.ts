import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const RUN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
/** A program that has been told to end is given this long. */
const END_MS = 20_000;

export interface ProgramOptions {
  /** Home, and with it every per-user folder. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly node?: readonly string[];
  /** Default: /dev/null. `terminal`: all three are a terminal, which `script` (util-linux, so Linux only) makes. */
  readonly stdin?: 'ignore' | 'pipe' | 'terminal';
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Variables that keep a process's state below `home`; nothing else of this process's environment but PATH. */
export function homeEnvironment(home: string): Record<string, string> {
  const { PATH = '', SYSTEMROOT = '' } = process.env;
  return { PATH, SYSTEMROOT, HOME: home, USERPROFILE: home, APPDATA: home, LOCALAPPDATA: home };
}

/** Command and arguments of `mcp-local-tunnel <args>`, for whoever starts it without this helper. */
export function commandLine(...args: readonly string[]): [string, ...string[]] {
  return [process.execPath, RUN, ...args];
}

/** The command that runs this one at a terminal, and ends with its status. */
function atTerminal(command: readonly string[]): [string, ...string[]] {
  const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return ['script', '--quiet', '--return', '--flush', '--command', `exec ${line}`, '/dev/null'];
}

/** One `mcp-local-tunnel` process, read line by line. Disposal ends it in order, and fails where it does not end. SHOW_PROGRAMS shows all lines. */
export class Program implements AsyncDisposable {
  readonly ended: Promise<Ended>;
  /** Lines of both outputs, in the order they came. */
  readonly lines: string[] = [];
  #stdout = '';
  #over = false;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly args: readonly string[],
    options: ProgramOptions,
  ) {
    const [node, ...rest] = commandLine(...args);
    const { stdin = 'ignore' } = options;
    const command: [string, ...string[]] = [node, ...(options.node ?? []), ...rest];
    const [file, ...words] = stdin === 'terminal' ? atTerminal(command) : command;
    this.#child = spawn(file, words, {
      cwd: options.home,
      env: { ...homeEnvironment(options.home), ...options.env },
      stdio: [stdin === 'ignore' ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#over = true;
      this.#wake();
      return { code, signal };
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) throw new Error('no pipe');
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        if (process.env.SHOW_PROGRAMS !== undefined) process.stderr.write(`${args[0]}: ${line}\n`);
        this.#wake();
      });
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('it did not start');
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get output(): string {
    return this.lines.join('\n');
  }

  /** For {@link line}: only lines that are yet to come. */
  get here(): number {
    return this.lines.length;
  }

  /** The first line from `from` on that matches, whenever it comes. Rejects with the output when the program ends without. */
  async line(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    for (let at = from; ; ) {
      for (; at < this.lines.length; at++) {
        const match = pattern.exec(this.lines[at] ?? '');
        if (match !== null) return match;
      }
      if (this.#over) throw new Error(`${this.args[0]} ended without ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** A line, or keys as they are where `end` is empty. */
  type(text: string, end = '\n'): void {
    this.#child.stdin?.write(`${text}${end}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it, and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (!this.#over) this.#child.kill(signal);
    const decided = new AbortController();
    const late = setTimeout(END_MS, undefined, { signal: decided.signal }).then(() => this.#child.kill('SIGKILL'));
    late.catch(() => undefined);
    try {
      return await this.ended;
    } finally {
      decided.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    const { signal } = await this.stop();
    if (signal === 'SIGKILL') throw new Error(`${this.args[0]} did not end:\n${this.output}`);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: ProgramOptions) {
  const program = new Program(args, options);
  const { code } = await program.ended;
  return { code, stdout: program.stdout, output: program.output };
}

/** Process ids whose environment or command line names `folder`. */
export async function processesOf(folder: string): Promise<number[]> {
  if (process.platform === 'win32') return [];
  const { stdout } = await promisify(execFile)('ps', ['axeww', '-o', 'pid=', '-o', 'command='], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout
    .split('\n')
    .filter((line) => line.includes(folder))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
}

/** Fails when a process that belongs to `folder` lives on. */
export async function expectNoneLeft(folder: string): Promise<void> {
  // Also used in hooks, where expect.poll is not to be had.
  const deadline = Date.now() + END_MS;
  for (let left = await processesOf(folder); left.length > 0; left = await processesOf(folder)) {
    if (Date.now() > deadline) throw new Error(`processes are left: ${left.join(', ')}`);
    await setTimeout(50);
  }
}
