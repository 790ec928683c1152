import type { Problem } from './config-error.js';
import type { Environment } from './environment.js';
import { isPlain, joinPath, type Plain } from './plain.js';
import type { Checked } from './urls.js';

/**
 * Puts variables of the environment in place of `${NAME}`, so that secrets need not stand in the file. `$${` is the
 * text `${` itself, and a `$` without a brace is itself. An empty variable counts as set.
 */
function expandVariables(text: string, env: Environment): Checked<string> {
  const unset = new Set<string>();
  let malformed = false;
  const value = text.replace(/\$\$\{|\$\{([^}]*)\}?/g, (whole, name: string | undefined) => {
    if (name === undefined) return '${';
    if (!whole.endsWith('}') || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      malformed = true;
      return '';
    }
    const found = env[name];
    if (found === undefined) unset.add(name);
    return found ?? '';
  });
  // What stands between the braces is not repeated unless it is a name: it may be part of a secret.
  if (malformed) {
    const message = `\${ is not followed by a variable's name and }; write "\${NAME}", or "$\${" for \${ itself`;
    return { problem: message };
  }
  if (unset.size > 0) {
    const names = [...unset].join(', ');
    return { problem: `the environment has no ${names}; set it where you start this, or write "$\${" for \${ itself` };
  }
  return { value };
}

/** `object` with variables in place in the text of `keys`. A key that cannot be read is told in `problems` and left out. */
export function expandKeys(
  object: Plain,
  keys: readonly string[],
  path: string,
  env: Environment,
  problems: Problem[],
): Plain {
  const result: Record<string, unknown> = { ...object };
  for (const key of keys) {
    const text = result[key];
    if (typeof text !== 'string') continue;
    const { value, problem } = expandVariables(text, env);
    if (problem === undefined) {
      result[key] = value;
    } else {
      problems.push({ path: joinPath(path, key), message: problem });
      delete result[key];
    }
  }
  return result;
}

/** `object` with variables in place in every text inside the objects at `keys`. */
export function expandEntries(
  object: Plain,
  keys: readonly string[],
  path: string,
  env: Environment,
  problems: Problem[],
): Plain {
  const result: Record<string, unknown> = { ...object };
  for (const key of keys) {
    const map = result[key];
    if (isPlain(map)) result[key] = expandKeys(map, Object.keys(map), joinPath(path, key), env, problems);
  }
  return result;
}
