import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { ConfigError } from '../../src/config/config-error.js';
import { type LoadOptions, loadConfig } from '../../src/config/load.js';

export const FILE = 'mcp-local-tunnel.config.json';
export const relay = { mode: 'relay' };
export const agent = { mode: 'agent', relay: 'relay.example.com', name: 'laptop', servers: {} };
export const withServer = (server: unknown) => ({ ...agent, servers: { shell: server } });

/** Folders of one test, made before it and removed after it. */
export class Folders {
  root = '';
  cwd = '';
  userDir = '';

  constructor() {
    beforeEach(() => {
      this.root = realpathSync(mkdtempSync(join(tmpdir(), 'config-')));
      this.cwd = join(this.root, 'cwd');
      this.userDir = join(this.root, 'user');
      mkdirSync(this.cwd);
      mkdirSync(this.userDir);
    });
    afterEach(() => rmSync(this.root, { recursive: true, force: true }));
  }

  /** Loads from these folders with an empty environment. */
  find(options: LoadOptions = {}): Promise<Config> {
    return loadConfig({ cwd: this.cwd, userDir: this.userDir, env: {}, ...options });
  }

  /** Loads a config given as text or as a value, from a file in the working folder. */
  load(config: unknown, options: LoadOptions = {}): Promise<Config> {
    writeFileSync(join(this.cwd, FILE), typeof config === 'string' ? config : JSON.stringify(config, undefined, 2));
    return this.find(options);
  }

  /** `path: message` of each problem. */
  async problems(config: unknown, options: LoadOptions = {}): Promise<string[]> {
    const { problems } = await errorOf(this.load(config, options));
    return problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

export async function errorOf(work: Promise<unknown>): Promise<ConfigError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConfigError) return error;
  throw new Error(`expected a ConfigError, got ${String(error)}`);
}
