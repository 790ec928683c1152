import { readFile } from 'node:fs/promises';

/** Arguments of each execution of the fixture's tool `gate`, oldest first. */
export async function executions(counter: string): Promise<unknown[]> {
  const lines = (await readFile(counter, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line): unknown => JSON.parse(line));
}
