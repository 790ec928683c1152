/** One thing wrong with a config. */
export interface Problem {
  /** Where: `servers.shell.command`; empty for the whole config. */
  readonly path: string;
  /** What is wrong and what to write instead. Never holds a value from the config, which may be a secret. */
  readonly message: string;
  /** Line in the source, counted from 1. */
  readonly line?: number;
}

/** A config that cannot be used, with everything wrong with it. The message is the whole report. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  /** @param source the file's path, or the name of the variable that held the config; empty when none was found. */
  constructor(
    readonly problems: readonly Problem[],
    readonly source: string,
  ) {
    super(report(problems, source));
  }
}

function report(problems: readonly Problem[], source: string): string {
  if (source === '') return problems.map(({ message }) => message).join('\n');
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const lines = problems.map(({ path, message, line }) => {
    const where = [path, line === undefined ? '' : `(line ${line})`].filter((part) => part !== '').join(' ');
    return `  ${where === '' ? '' : `${where}: `}${message}`;
  });
  return [`The config in ${source} has ${count}:`, ...lines].join('\n');
}
