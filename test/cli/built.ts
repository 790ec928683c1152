import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll } from 'vitest';

const project = resolve(import.meta.dirname, '../..');

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input: a pipe that ends at once by default. */
  readonly stdin?: 'ignore' | 'pipe';
  readonly node?: readonly string[];
}

/**
 * The program as it is installed: compiled, with bin/ and the manifest, in a folder of its own below node_modules so that
 * it finds its packages and leaves dist/ alone. Home and working folder are temporary.
 */
export class Built {
  root = '';
  home = '';
  cwd = '';

  constructor() {
    beforeAll(() => {
      const cache = join(project, 'node_modules/.cache');
      mkdirSync(cache, { recursive: true });
      this.root = mkdtempSync(join(cache, 'cli-'));
      this.home = mkdtempSync(join(tmpdir(), 'cli-home-'));
      this.cwd = join(this.home, 'work');
      mkdirSync(this.cwd);
      const tsc = [join(project, 'node_modules/typescript/bin/tsc'), '-p', join(project, 'tsconfig.build.json')];
      const built = spawnSync(process.execPath, [...tsc, '--noCheck', '--outDir', join(this.root, 'dist')]);
      if (built.status !== 0) throw new Error(`tsc failed: ${built.stdout}`);
      for (const part of ['bin', 'package.json', 'oclif.manifest.json']) {
        cpSync(join(project, part), join(this.root, part), { recursive: true });
      }
    }, 120_000);
    afterAll(() => {
      rmSync(this.root, { recursive: true, force: true });
      rmSync(this.home, { recursive: true, force: true });
    });
  }

  /** Writes a config to the working folder, where every command finds it. */
  configure(config: unknown): void {
    writeFileSync(join(this.cwd, 'mcp-local-tunnel.config.json'), JSON.stringify(config));
  }

  start(args: readonly string[], { env = {}, stdin = 'ignore', node = [] }: RunOptions = {}): ChildProcess {
    const { PATH = '', SYSTEMROOT = '' } = process.env;
    const home = { HOME: this.home, USERPROFILE: this.home, APPDATA: this.home, LOCALAPPDATA: this.home };
    return spawn(process.execPath, [...node, join(this.root, 'bin/run.js'), ...args], {
      cwd: this.cwd,
      env: { PATH, SYSTEMROOT, ...home, ...env },
      stdio: [stdin, 'pipe', 'pipe'],
    });
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const child = this.start(args, options);
    child.stdin?.end();
    if (child.stdout === null || child.stderr === null) throw new Error('no pipes');
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { status: typeof status === 'number' ? status : null, stdout, stderr };
  }
}

/** The first JSON log line with such a message. */
export async function logged(stream: Readable, message: RegExp): Promise<Record<string, unknown>> {
  let seen = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    seen += String(chunk);
    for (const line of seen.split('\n').slice(0, -1)) {
      const record: Record<string, unknown> = JSON.parse(line);
      if (message.test(String(record.message))) return record;
    }
  }
  throw new Error(`not logged: ${message}\n${seen}`);
}
