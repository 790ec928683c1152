import type { Logger } from '../../src/log/logger.js';

type Level = Exclude<keyof Logger, 'child'>;

/** A logger, and its children, whose lines all go to `write`; without it nothing is kept. */
export function loggerTo(
  write: (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void = () => {},
): Logger {
  const at = (level: Level) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    write(level, message, fields);
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}
