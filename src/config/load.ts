import type { AgentConfig, Config, RelayConfig } from './config.js';
import { ConfigError, type Problem } from './config-error.js';
import { type Environment, environment } from './environment.js';
import { minimalExample } from './example.js';
import { parseJson } from './parse-json.js';
import { userConfigDir } from './paths.js';
import { isPlain } from './plain.js';
import { CONFIG_VARIABLE, type ConfigSource, findSource, searchedFiles } from './source.js';

export interface LoadOptions {
  /** `--config`: a file that must be there. */
  readonly file?: string | undefined;
  /** What the command needs; absent: whatever the config says. */
  readonly mode?: 'relay' | 'agent';
  /** Plain http to a relay that is not on this machine is allowed. */
  readonly insecure?: boolean;
  readonly cwd?: string;
  readonly env?: Environment;
  /** Per-user config folder, where a config is looked for and an agent keeps its state. */
  readonly userDir?: string;
}

/**
 * Finds, reads and checks the config (sources in order: {@link findSource}). Throws ConfigError with every problem at
 * once, or saying where it looked when there is no config.
 */
export function loadConfig(options: LoadOptions & { readonly mode: 'relay' }): Promise<RelayConfig>;
export function loadConfig(options: LoadOptions & { readonly mode: 'agent' }): Promise<AgentConfig>;
export function loadConfig(options?: LoadOptions): Promise<Config>;
export async function loadConfig(options: LoadOptions = {}): Promise<Config> {
  const { file, mode, insecure = false, cwd = process.cwd(), env = environment() } = options;
  const userDir = options.userDir ?? userConfigDir();
  const where = { file, cwd, env, userDir };
  const source = await findSource(where);
  if (source === undefined) throw notFound(searchedFiles(where), mode);
  const { value, lineOf } = parseJson(source.text, source.name);
  const problems: Problem[] = [];
  let config: Config | undefined;
  if (!isPlain(value)) {
    problems.push({ path: '', message: `must be an object; write:\n${minimalExample(mode)}` });
  } else if (mode !== undefined && value.mode !== mode && (value.mode === 'relay' || value.mode === 'agent')) {
    problems.push({ path: 'mode', message: wrongMode(value.mode) });
  } else {
    // Loaded only now: --help and the errors above go without class-validator.
    const { decode } = await import('./decode.js');
    config = decode(value, { ...pick(source), env, insecure, stateDir: userDir }, problems);
  }
  if (config !== undefined && problems.length === 0) return config;
  throw new ConfigError(
    problems.map((problem) => withLine(problem, lineOf)),
    source.name,
  );
}

function pick({ folder, file }: ConfigSource): Pick<ConfigSource, 'folder' | 'file'> {
  return { folder, ...(file !== undefined && { file }) };
}

function withLine(problem: Problem, lineOf: (path: readonly string[]) => number | undefined): Problem {
  const line = lineOf(problem.path.split('.'));
  return line === undefined ? problem : { ...problem, line };
}

function wrongMode(mode: 'relay' | 'agent'): string {
  const other = mode === 'relay' ? 'an agent' : 'a relay';
  return `is "${mode}" but this command needs the config of ${other}; run \`mcp-local-tunnel ${mode}\`, or name another file with --config`;
}

function notFound(files: readonly string[], mode: 'relay' | 'agent' | undefined): ConfigError {
  const looked = ['--config', `the variable ${CONFIG_VARIABLE}`, ...files].map((place) => `  ${place}`).join('\n');
  const message = `No config found. Looked at:\n${looked}\nWrite one of these files, for example:\n${minimalExample(mode)}`;
  return new ConfigError([{ path: '', message }], '');
}
