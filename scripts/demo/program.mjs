import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from './node-flags.mjs';

const HERE = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** One `mcp-local-tunnel` process of the demo. */
export class Program {
  #child;
  #lines = [];
  #waiting = new Set();
  #ended;

  /**
   * @param {string[]} args the command line
   * @param {Record<string, string>} home variables that keep the process's state in the demo's own folder
   */
  constructor(args, home) {
    this.name = args[0];
    // The benchmark runs the released program in place of the one that lies here.
    const { MCP_LOCAL_TUNNEL_RUN: run = HERE } = process.env;
    this.#child = spawn(process.execPath, [...nodeFlags(this.name.replace('--', '')), run, ...args], {
      env: { ...process.env, ...home, NO_COLOR: '1' },
    });
    const kill = () => this.#child.kill();
    process.once('exit', kill);
    this.#child.once('exit', () => process.off('exit', kill));
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#line(line));
    }
    this.#child.once('exit', (code) => this.#line(`(${this.name} ended with status ${code})`, true));
  }

  get pid() {
    return this.#child.pid;
  }

  /** The first line, past or to come, that `pattern` matches. */
  line(pattern) {
    return new Promise((resolve, reject) => {
      const seen = this.#lines.map((line) => pattern.exec(line)).find((match) => match !== null);
      if (seen !== undefined) resolve(seen);
      else this.#waiting.add({ pattern, resolve, reject });
    });
  }

  /** The exit status. */
  ended() {
    return this.#ended;
  }

  async stop() {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.#ended;
  }

  #line(line, last = false) {
    this.#lines.push(line);
    for (const wait of this.#waiting) {
      const match = wait.pattern.exec(line);
      if (match !== null) wait.resolve(match);
      else if (last) wait.reject(new Error(`${this.name} ended early:\n${this.#lines.slice(-15).join('\n')}`));
      else continue;
      this.#waiting.delete(wait);
    }
  }
}
