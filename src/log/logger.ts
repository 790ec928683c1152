/** What every part logs through. `fields` are for machines; secrets never belong in either. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A logger that names its subsystem, e.g. `auth`, `tunnel`, `server shell`. */
  child(subsystem: string): Logger;
}
