import { readFileSync } from 'node:fs';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

export interface Row {
  /** What stands in code marks in the first column. */
  readonly names: readonly string[];
  readonly defaults: string;
}

/** The rows of the table below this heading of README. */
export function rows(heading: string): Row[] {
  const section = README.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`README has no section ${heading}`);
  const lines = section.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) => {
    const [, first = '', defaults = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    return { names: [...first.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name), defaults };
  });
}
