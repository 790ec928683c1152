import { printable } from '../../log/printable.js';
import type { ServerState } from './types.js';

/** `serverInfo` with a name and a version only where they are texts. */
export function readableInfo({ name, version, ...rest }: Readonly<Record<string, unknown>>): ServerState['serverInfo'] {
  return {
    ...rest,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
  };
}

/** For the machine's owner: why a server is not ready, with its last words. */
export function problemText(problem: string, strayLines: number, lastWords: readonly string[]): string {
  const stray = strayLines > 0 ? `; it wrote ${strayLines} lines to stdout that are not MCP` : '';
  return [printable(problem) + stray, ...lastWords.map((line) => `  ${line}`)].join('\n');
}
