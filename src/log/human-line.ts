import { styleText } from 'node:util';
import { printable } from './printable.js';

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface LogRecord {
  readonly time: Date;
  readonly level: Level;
  readonly subsystem: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const levelStyle = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const;

/**
 * One record as people read it: time, level, subsystem, message, key=value. Colour also means a short, local time. Put
 * together piece by piece, since a busy agent writes thousands a second.
 */
export function humanLine({ time, level, subsystem, message, fields }: LogRecord, color: boolean): string {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    color ? styleText(format, text, always) : text;
  let line = `${style('dim', color ? clock(time) : time.toISOString())} ${style(levelStyle[level], level.padEnd(5))}`;
  if (subsystem !== '') line += ` ${style('cyan', printable(subsystem))}`;
  line += ` ${indented(message)}`;
  for (const key of Object.keys(fields)) line += ` ${style('dim', `${printable(key)}=`)}${fieldText(fields[key])}`;
  return `${line}\n`;
}

/** Further lines are indented, so that text from elsewhere cannot pass for a record of its own. */
function indented(message: string): string {
  return message.includes('\n') ? message.split('\n').map(printable).join('\n    ') : printable(message);
}

/** Colour was decided by who made the logger; styleText would ask standard output, which may be another stream. */
const always = { validateStream: false };

function clock(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

function fieldText(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'object' && value !== null && 'message' in value && 'stack' in value) {
    return printable(JSON.stringify(value.message));
  }
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const quoted = typeof value === 'string' && (text === '' || /[\s="\\]/.test(text));
  return printable(quoted ? JSON.stringify(text) : text);
}
