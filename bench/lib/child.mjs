import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../../scripts/demo/node-flags.mjs';

/** A program of this benchmark: where it lies, from bench/programs. */
export function program(name) {
  return fileURLToPath(new URL(`../programs/${name}.mjs`, import.meta.url));
}

/** A program for `node`. @returns the command @param role what its profile is named, where there is one */
export function node(file, args = [], role = basename(file, '.mjs')) {
  return [process.execPath, ...nodeFlags(role), file, ...args];
}

/** The local MCP server that every system here carries. @param role what its profile is named */
export function localServer(role = 'local') {
  return node(program('echo-server'), [], role);
}

/** A child process whose lines can be waited for; it ends with this one. */
export class Child {
  #process;
  #ended;
  #lines = [];
  #wake = () => {};

  /** @param command the program and its arguments @param env more of the environment */
  constructor(command, env = {}) {
    const [file, ...args] = command;
    this.#process = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    const kill = () => this.#process.kill();
    process.once('exit', kill);
    this.#process.once('exit', () => process.off('exit', kill));
    this.#ended = new Promise((resolve) => this.#process.once('exit', resolve));
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.#process.once('exit', () => this.#wake());
  }

  get pid() {
    return this.#process.pid;
  }

  /** The next line of its standard output that `pattern` matches; those before are forgotten. @returns the match */
  async line(pattern = /.*/) {
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      if (this.#process.exitCode !== null) throw new Error('a program of the benchmark ended early');
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async stop() {
    this.#process.kill('SIGTERM');
    await this.#ended;
  }
}
