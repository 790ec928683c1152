import { type ChildProcessWithoutNullStreams, type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

/** How long a program may be silent about what a test waits for. */
const PATIENCE_MS = 45_000;

/** A program under test, in a process group of its own. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Exit status; null after a signal. */
  readonly ended: Promise<number | null>;
  #output = '';

  /** @param more what helps to understand a failure */
  constructor(
    command: string,
    args: readonly string[],
    options: SpawnOptionsWithoutStdio,
    private readonly more: () => string,
  ) {
    this.child = spawn(command, args, { ...options, detached: true });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    // A program that has gone does not read any more.
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (status) => resolve(status));
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.child.spawnfile} did not start`);
    return this.child.pid;
  }

  /** All it wrote so far, without colours. */
  get output(): string {
    return stripVTControlCharacters(this.#output);
  }

  /** The first match of its output, past or to come. @throws Error with all it wrote when it ends without one */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.output);
        if (match === null) return;
        stop();
        resolve(match);
      };
      const fail = () => {
        stop();
        reject(
          new Error(`${this.child.spawnargs.join(' ')} did not say ${pattern}, but:\n${this.output}\n${this.more()}`),
        );
      };
      const streams = [this.child.stdout, this.child.stderr];
      const stop = () => {
        for (const stream of streams) stream.off('data', look);
        this.child.off('close', fail);
        signal.removeEventListener('abort', fail);
      };
      for (const stream of streams) stream.on('data', look);
      this.child.once('close', fail);
      signal.addEventListener('abort', fail);
      look();
      if (this.child.exitCode !== null) fail();
    });
  }

  /** Types at its terminal, or writes to its standard input. */
  type(text: string): void {
    this.child.stdin.write(text);
  }

  /** The program itself; what it started is left alone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }

  /** Whatever is left of its process group. */
  async sweep(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // nothing is left
    }
    await this.ended;
  }
}
