import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { Response } from 'express';
import type { Logger } from '../../log/logger.js';
import { LOGGER, PUBLIC_URL } from '../tokens.js';
import { interactionPath } from './outcome-cookie.js';
import { errorPage } from './page-error.js';
import { Pages } from './pages/pages.js';

/** Every failure of a page becomes a page. */
@Catch()
export class PageExceptionFilter implements ExceptionFilter {
  readonly #log: Logger;

  constructor(
    private readonly pages: Pages,
    @Inject(PUBLIC_URL) private readonly publicUrl: string,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.#log = logger.child('web');
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const res = host.switchToHttp().getResponse<Response>();
    const { status, ...view } = errorPage(error, (uid) => interactionPath(this.publicUrl, uid));
    if (status === 500 && !(error instanceof HttpException)) {
      this.#log.error('a page failed', {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    if (res.headersSent) {
      res.end();
      return;
    }
    this.pages.send(res, status, 'error', view.title, view);
  }
}
