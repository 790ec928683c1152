import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Running } from './running.js';

export const ACCOUNT = { name: 'owner', password: 'correct horse battery' };

export interface Finished {
  readonly status: number | null;
  readonly output: string;
}

/**
 * A machine for the programs under test: a temporary home, nothing of the real one, no telemetry, updates or downloads, and
 * browser.mjs as the browser.
 */
export class Place implements AsyncDisposable {
  readonly #started: Running[] = [];

  private constructor(
    readonly folder: string,
    readonly env: Readonly<Record<string, string>>,
  ) {}

  static async make(): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'hosts-'));
    const { PATH = '' } = process.env;
    return new Place(folder, {
      PATH,
      HOME: join(folder, 'home'),
      XDG_CONFIG_HOME: join(folder, 'config'),
      XDG_DATA_HOME: join(folder, 'data'),
      XDG_STATE_HOME: join(folder, 'state'),
      XDG_CACHE_HOME: join(folder, 'cache'),
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      CI: '1',
      BROWSER: join(import.meta.dirname, 'browser.mjs'),
      BROWSER_ACCOUNT: JSON.stringify(ACCOUNT),
      BROWSER_LOG: join(folder, 'browser.log'),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_PURE: '1',
      MCP_REMOTE_CONFIG_DIR: join(folder, 'mcp-remote'),
    });
  }

  /** A working folder of its own, made on first use. */
  project(name: string): string {
    const project = join(this.folder, name);
    mkdirSync(project, { recursive: true });
    mkdirSync(join(this.folder, 'home'), { recursive: true });
    return project;
  }

  async write(name: string, content: unknown): Promise<string> {
    const file = join(this.folder, name);
    await writeFile(file, JSON.stringify(content), { mode: 0o600 });
    return file;
  }

  /** Starts a program in the working folder `project`. */
  start(project: string, command: string, args: readonly string[], env: Record<string, string> = {}): Running {
    const cwd = this.project(project);
    // opencode takes the working folder from PWD.
    const options = { cwd, env: { ...this.env, PWD: cwd, ...env } };
    const running = new Running(command, args, options, () => `In the browser: ${this.#browserLog()}`);
    this.#started.push(running);
    return running;
  }

  /** The same at a terminal, which `script` (util-linux) makes: some programs sign in nowhere else. */
  startAtTerminal(project: string, command: string, args: readonly string[]): Running {
    const line = [command, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return this.start(project, 'script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null']);
  }

  async run(project: string, command: string, args: readonly string[]): Promise<Finished> {
    const running = this.start(project, command, args);
    running.child.stdin.end();
    const status = await running.ended;
    return { status, output: running.output };
  }

  /** Client ids that signed in through the browser, oldest first. */
  get signedIn(): string[] {
    const lines = this.#browserLog().trim().split('\n');
    return lines.map((line) => line.replace(/^200 /, ''));
  }

  #browserLog(): string {
    const file = join(this.folder, 'browser.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#started.reverse()) await running.sweep();
    await rm(this.folder, { recursive: true, force: true });
  }
}
