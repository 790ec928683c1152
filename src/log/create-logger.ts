import { type Logger as Pino, pino } from 'pino';
import { GatheredLines } from './gathered-lines.js';
import { humanLine, type Level, type LogRecord } from './human-line.js';
import type { Logger } from './logger.js';
import { printableJson } from './printable.js';
import { redactFields, redactText } from './redact.js';

export interface LoggerOptions {
  /** Least level that is written. */
  readonly level: Level;
  /** `human`: a line for people. `json`: one object a line, with `level`, `time`, `subsystem`, `message` and the fields. */
  readonly format: 'human' | 'json';
  /** Colour in human lines; see cli/terminal.ts for when. */
  readonly color: boolean;
  /**
   * Where lines go, one write a line. Default standard error, since standard output may be a protocol's; there lines
   * below `warn` may wait for others for some milliseconds.
   */
  readonly destination?: { write(line: string): unknown };
}

/**
 * A logger that writes no secret and nothing a terminal would act on, whatever it is given. Import this file when a
 * logger is made and not before: it loads pino.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { level, format, color, destination } = options;
  const shown = (line: string) => (format === 'json' ? printableJson(line) : humanLine(recordOf(line), color));
  const lines = new GatheredLines(process.stderr);
  const write = (line: string) => {
    if (destination) destination.write(shown(line));
    else lines.write(shown(line), URGENT.test(line));
  };
  const settings = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return new PinoLogger(pino(settings, { write }), '');
}

const URGENT = /^\{"level":"(warn|error)"/;

class PinoLogger implements Logger {
  readonly #pino: Pino;

  constructor(
    private readonly root: Pino,
    private readonly subsystem: string,
  ) {
    this.#pino = subsystem === '' ? root : root.child({ subsystem });
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    if (this.root.isLevelEnabled('debug')) this.#write('debug', message, fields);
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write('error', message, fields);
  }

  child(subsystem: string): Logger {
    return new PinoLogger(this.root, this.subsystem === '' ? subsystem : `${this.subsystem} ${subsystem}`);
  }

  #write(level: Level, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#pino[level]({ ...ownKeysApart(redactFields(fields)) }, redactText(message));
  }
}

/** A field must not stand in for a key of ours: JSON with a key twice is read as the last one. */
function ownKeysApart(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [OWN.has(key) ? `${key}_` : key, value]));
}

const OWN: ReadonlySet<string> = new Set(['level', 'time', 'subsystem', 'message']);

function recordOf(line: string): LogRecord {
  const { time, level, subsystem, message, ...fields }: Record<string, unknown> = JSON.parse(line);
  return {
    time: new Date(String(time)),
    level: level === 'debug' || level === 'warn' || level === 'error' ? level : 'info',
    subsystem: typeof subsystem === 'string' ? subsystem : '',
    message: String(message ?? ''),
    fields,
  };
}
