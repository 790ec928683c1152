import type { LoggerService } from '@nestjs/common';
import type { Logger } from '../log/logger.js';

/** What Nest itself has to say, in our log. Its chatter at start is for debugging. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(text(message), context(rest));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(text(message), context(rest));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(text(message), context(rest));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(text(message), context(rest));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(text(message), context(rest));
  }
}

function text(message: unknown): string {
  if (message instanceof Error) return message.stack ?? message.message;
  return typeof message === 'string' ? message : JSON.stringify(message);
}

/** Nest puts a stack, and last the name of the class that speaks, behind the message. */
function context(rest: readonly unknown[]): Record<string, unknown> {
  const texts = rest.filter((part) => typeof part === 'string');
  const from = texts.pop();
  return { ...(from === undefined ? {} : { from }), ...(texts.length === 0 ? {} : { stack: texts.join('\n') }) };
}
