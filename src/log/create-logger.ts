import { pino } from 'pino';
import { GatheredLines } from './gathered-lines.js';
import { humanLine, type Level } from './human-line.js';
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
  const lines = new GatheredLines(process.stderr);
  const write: WriteLine = (line, urgent) => {
    if (destination) destination.write(line);
    else lines.write(line, urgent);
  };
  const recorders = format === 'json' ? jsonRecorders(level, write) : humanRecorders(color, write);
  return new RecordLogger(LEVELS.indexOf(level), recorders, '');
}

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];

type WriteLine = (line: string, urgent: boolean) => void;
/** Writes what holds no secret, and no field that could stand in for a key of ours. */
type Recorder = (level: Level, message: string, fields: Record<string, unknown>) => void;
type Recorders = (subsystem: string) => Recorder;

/** Without pino: an agent writes a line for each call, and reading pino's JSON again cost more than all else of it. */
function humanRecorders(color: boolean, write: WriteLine): Recorders {
  return (subsystem) => (level, message, fields) =>
    write(humanLine({ time: new Date(), level, subsystem, message, fields }, color), isUrgent(level));
}

function jsonRecorders(level: Level, write: WriteLine): Recorders {
  let urgent = false;
  const settings = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // It writes before its call returns.
  const root = pino(settings, { write: (line: string) => write(printableJson(line), urgent) });
  return (subsystem) => {
    const own = subsystem === '' ? root : root.child({ subsystem });
    return (of, message, fields) => {
      urgent = isUrgent(of);
      own[of](fields, message);
    };
  };
}

function isUrgent(level: Level): boolean {
  return level === 'warn' || level === 'error';
}

class RecordLogger implements Logger {
  readonly #record: Recorder;

  /** @param least index in LEVELS */
  constructor(
    private readonly least: number,
    private readonly recorders: Recorders,
    private readonly subsystem: string,
  ) {
    this.#record = recorders(subsystem);
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    if (this.least <= 0) this.#write('debug', message, fields);
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    if (this.least <= 1) this.#write('info', message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    if (this.least <= 2) this.#write('warn', message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write('error', message, fields);
  }

  child(subsystem: string): Logger {
    const name = this.subsystem === '' ? subsystem : `${this.subsystem} ${subsystem}`;
    return new RecordLogger(this.least, this.recorders, name);
  }

  #write(level: Level, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#record(level, redactText(message), ownKeysApart(redactFields(fields)));
  }
}

/** A field must not stand in for a key of ours: JSON with a key twice is read as the last one. */
function ownKeysApart(fields: Record<string, unknown>): Record<string, unknown> {
  for (const key of OWN) {
    if (!Object.hasOwn(fields, key)) continue;
    fields[`${key}_`] = fields[key];
    delete fields[key];
  }
  return fields;
}

const OWN: ReadonlySet<string> = new Set(['level', 'time', 'subsystem', 'message']);
