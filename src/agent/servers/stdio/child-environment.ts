import type { AgentEnvironment } from '../../../config/environment.js';

/**
 * The environment of a local server: what any program needs (`config/environment.ts` has the list, with nothing of
 * ours in it), PATH as a login shell has it, and over both `own` from the config.
 */
export function childEnvironment(
  environment: AgentEnvironment,
  path: string,
  own: Readonly<Record<string, string>>,
  platform: NodeJS.Platform,
): Record<string, string> {
  const result: Record<string, string> = {};
  set(result, { ...environment.child, ...(path === '' || platform === 'win32' ? {} : { PATH: path }) }, platform);
  set(result, own, platform);
  return result;
}

/** Windows has `Path` and `PATH` for one variable: the later value replaces the earlier whatever its spelling. */
function set(
  target: Record<string, string>,
  values: Readonly<Record<string, string>>,
  platform: NodeJS.Platform,
): void {
  for (const [name, value] of Object.entries(values)) {
    const same = (other: string) => platform === 'win32' && other.toUpperCase() === name.toUpperCase();
    for (const taken of Object.keys(target).filter(same)) delete target[taken];
    target[name] = value;
  }
}
