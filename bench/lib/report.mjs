import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, type as systemType, totalmem } from 'node:os';

const version = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;

/** Of one processor, over the last minute. */
const BUSY_ABOVE = 0.5;

export const BUSY = 'This machine is busy with something else: the figures will not be trustworthy.';

/** Whether others use the processors; to be asked before the load begins. */
export function isBusy() {
  return loadavg()[0] / cpus().length > BUSY_ABOVE;
}

/** Where and with what this was measured. */
export function machine() {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    system: `${systemType()} ${release()}`,
    cpu: `${processors.length} × ${processors[0]?.model.trim()}`,
    'load average at the start': loadavg()[0].toFixed(2),
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    node: process.version,
    'mcp-local-tunnel': version('../../package.json'),
    '@modelcontextprotocol/sdk': version('../../node_modules/@modelcontextprotocol/sdk/package.json'),
    ws: version('../../node_modules/ws/package.json'),
  };
}

/** `relay 1.2, agent 0.8` */
export function byRole(values, digits) {
  return Object.entries(values)
    .map(([role, value]) => `${role} ${value.toFixed(digits)}`)
    .join(', ');
}

/** The whole result as Markdown. */
export function markdown({ where, minutes, limits, tables, notes, targets, rounds }) {
  const missed = targets.filter(({ met }) => met === 'no').length;
  return `# Results

Made by \`npm run bench -- --write\`; [what is compared](README.md) is measured in one run, in turn, ${rounds} times, and the median counts; it took ${minutes} minutes. The load generator runs on the same processors.

${Object.entries(where)
  .map(([key, value]) => `- ${key}: ${value}`)
  .join('\n')}
- limits raised for the load: ${Object.entries(limits)
    .map(([key, value]) => `\`${key}\` ${value}`)
    .join(', ')}

## Targets

${targets.length - missed} of ${targets.length} met.

${grid(targets)}
${notes.length === 0 ? '' : `\n${notes.map((note) => `- ${note}`).join('\n')}\n`}
${tables.map(({ title, rows }) => `## ${title}\n\n${grid(rows)}\n`).join('\n')}`;
}

function grid(rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => String(row[column] ?? '')))),
  ].join('\n');
}
