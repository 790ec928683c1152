import { Command, Flags, type Interfaces } from '@oclif/core';
import type { Logger } from '../log/logger.js';
import { type Failure, failureOf } from './exit-codes.js';
import { failureText, hasColor } from './terminal.js';

/** What commands that log read of their flags. */
export interface LogFlags {
  readonly 'log-level': 'debug' | 'info' | 'warn' | 'error';
  readonly 'log-format': 'human' | 'json';
  readonly 'no-color': boolean;
}

/** Flags of commands that log. */
export const logFlags = {
  'log-level': Flags.option({ options: ['debug', 'info', 'warn', 'error'] as const, default: 'info' as const })({
    summary: 'Least level that is logged.',
    helpGroup: 'LOG',
  }),
  'log-format': Flags.option({ options: ['human', 'json'] as const, default: 'human' as const })({
    summary: 'Lines for people, or one JSON object a line.',
    helpGroup: 'LOG',
  }),
};

/** Flags, failures and logging of every command. */
export abstract class BaseCommand extends Command {
  static override readonly baseFlags = {
    config: Flags.string({
      char: 'c',
      summary: 'Config file; without it the usual places are searched.',
      helpValue: '<file>',
    }),
    'no-color': Flags.boolean({ summary: 'No colour, as with NO_COLOR set.' }),
  };

  /** A logger to standard error, or to `destination` without colour. */
  protected async createLogger(flags: LogFlags, destination?: { write(line: string): unknown }): Promise<Logger> {
    const { createLogger } = await import('../log/create-logger.js');
    return createLogger({
      level: flags['log-level'],
      format: flags['log-format'],
      color: destination === undefined && hasColor(process.stderr, flags['no-color']),
      ...(destination && { destination }),
    });
  }

  /** Says what went wrong and sets the exit status. The process then ends by itself, with all it wrote delivered. */
  protected override async catch(error: Interfaces.CommandError): Promise<void> {
    const failure = failureOf(error);
    process.exitCode = failure.exitCode;
    if (this.jsonEnabled()) this.logJson({ error: forPrograms(failure) });
    else process.stderr.write(failureText(failure, hasColor(process.stderr, this.argv.includes('--no-color'))));
  }

  /** A leaked handle must not keep a command alive that is done. */
  protected override async finally(): Promise<void> {
    setTimeout(() => process.exit(), 5_000).unref();
  }
}

function forPrograms({ message, code, exitCode }: Failure): Omit<Failure, 'stack'> {
  return { message, ...(code !== undefined && { code }), exitCode };
}
