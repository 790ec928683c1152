// Starts the official suite, on the Node of this folder, and reads what it found.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const NODE = here('node_modules/node/bin/node');
const CLI = here('node_modules/@modelcontextprotocol/conformance/dist/index.js');

/**
 * Runs the CLI to its end.
 * @param {readonly string[]} args e.g. ['server', '--url', url, '--requirements', '2026-07-28']
 * @param {(line: string) => void} [onLine] each line of its output as it comes
 * @returns {Promise<Map<string, {id: string, status: string, errorMessage?: string}[]>>} checks by scenario; `output` is on the map
 */
export async function runSuite(args, onLine) {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const child = spawn(NODE, [CLI, ...args, '-o', folder], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      for (const line of text.split('\n')) onLine?.(line);
    });
  }
  await once(child, 'close');
  const found = new Map();
  for (const name of await readdir(folder)) {
    const scenario = /^(?:server-|authorization-)?(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1];
    if (scenario === undefined) continue;
    found.set(scenario, JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')));
  }
  if (found.size === 0) throw new Error(`the suite found nothing: conformance ${args.join(' ')}\n${output}`);
  return found;
}

/** Checks by a name of their own: the id, and how often it came before, since ids repeat. */
export function byName(checks) {
  const seen = new Map();
  return new Map(
    checks.map((check) => {
      const times = (seen.get(check.id) ?? 0) + 1;
      seen.set(check.id, times);
      return [times === 1 ? check.id : `${check.id} (${times})`, check];
    }),
  );
}
