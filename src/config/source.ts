import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from './config-error.js';
import type { Environment } from './environment.js';
import { CONFIG_FILE_NAME, expandHome, userConfigDir } from './paths.js';

export const CONFIG_VARIABLE = 'MCP_LOCAL_TUNNEL_CONFIG';

/** The text of a config and where it came from. */
export interface ConfigSource {
  readonly text: string;
  /** The file's path, or the variable's name: what error messages say. */
  readonly name: string;
  /** The file with symbolic links resolved; absent when the text came from the environment. */
  readonly file?: string;
  /** What relative paths in the config are relative to: the file's folder, or the working folder. */
  readonly folder: string;
}

export interface SourceOptions {
  readonly file?: string | undefined;
  readonly cwd: string;
  readonly env: Environment;
  /** Per-user config folder. */
  readonly userDir?: string;
}

/**
 * Finds the config: the `--config` file, the environment's text or file, the working folder, the per-user folder. The
 * first that is there counts, also when it is wrong. Undefined when there is none. Throws ConfigError when one that was
 * named cannot be read.
 */
export async function findSource(options: SourceOptions): Promise<ConfigSource | undefined> {
  const { cwd, env } = options;
  if (options.file !== undefined) return named(options.file, cwd, '--config');
  const variable = env[CONFIG_VARIABLE]?.trim();
  if (variable) {
    // A config is an object, so its text starts with a brace or with a comment in front of one.
    if (/^(\{|\[|\/\/|\/\*)/.test(variable)) return { text: variable, name: CONFIG_VARIABLE, folder: cwd };
    return named(variable, cwd, CONFIG_VARIABLE);
  }
  for (const path of searchedFiles(options)) {
    const found = await read(path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The files looked for when neither the flag nor the variable names one. */
export function searchedFiles(options: SourceOptions): readonly string[] {
  return [join(options.cwd, CONFIG_FILE_NAME), join(options.userDir ?? userConfigDir(), CONFIG_FILE_NAME)];
}

async function named(name: string, cwd: string, from: string): Promise<ConfigSource> {
  const path = resolve(cwd, expandHome(name));
  const found = await read(path);
  if (found !== undefined) return found;
  // What is no path may be the text of a config in wrong quotes, with a secret in it: do not repeat it.
  const what = /[{}\n"]/.test(name)
    ? 'is neither a file nor JSON text, which starts with {'
    : `names ${path}, which does not exist`;
  throw new ConfigError([{ path: '', message: `${from} ${what}. Write the path of a config file.` }], '');
}

async function read(path: string): Promise<ConfigSource | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const file = await realpath(path);
    return { text, name: path, file, folder: dirname(file) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    const why =
      code === 'EISDIR' ? 'is a folder' : code === 'EACCES' ? 'may not be read by this user' : `: ${String(code)}`;
    throw new ConfigError([{ path: '', message: `The config file ${path} ${why}. Name a file you can read.` }], '');
  }
}
