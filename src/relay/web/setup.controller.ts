import { Controller, Get, Inject, Post, Req, Res, UseFilters } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { RelayConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { Accounts } from '../auth/accounts/accounts.js';
import { SetupLink, type SetupPurpose } from '../auth/accounts/setup-link.js';
import { LOGGER, PUBLIC_URL, RELAY_CONFIG } from '../tokens.js';
import { formOf } from './form.js';
import { PageError } from './page-error.js';
import { PageExceptionFilter } from './page-exception.filter.js';
import { Pages } from './pages/pages.js';
import type { SetupView } from './pages/setup.js';
import { RateLimits } from './rate-limits.js';

/** The page behind the one-time links of a relay with an account of its own. */
@Controller('setup')
@UseFilters(PageExceptionFilter)
export class SetupController {
  constructor(
    @Inject(RELAY_CONFIG) private readonly config: RelayConfig,
    @Inject(PUBLIC_URL) private readonly publicUrl: string,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly accounts: Accounts,
    private readonly link: SetupLink,
    private readonly pages: Pages,
    private readonly limits: RateLimits,
  ) {}

  @Get()
  async show(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.limits.page(req, res);
    this.#onlyWithoutProvider();
    const purpose = await this.link.purpose();
    if (purpose === undefined) return this.#alreadySetUp(res);
    this.#form(res, 200, { purpose, token: '', name: '', problem: undefined });
  }

  @Post()
  async redeem(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.limits.page(req, res);
    this.#onlyWithoutProvider();
    const form = await formOf(req, res);
    await this.limits.signIn(req, res);
    const [token, name, password] = ['token', 'name', 'password'].map((field) => form.get(field) ?? '');
    if (token === undefined || name === undefined || password === undefined) throw new PageError('bad_form');
    const purpose = await this.link.purpose();
    if (purpose === undefined) return this.#alreadySetUp(res);
    // The token first: nobody else learns what this relay asks of a password, or makes it hash one.
    if (!(await this.link.valid(token))) return this.#badToken(res, purpose, name);
    const problem =
      password === form.get('again') ? this.accounts.problem(name, password) : 'The two passwords are not the same.';
    if (problem !== undefined) return this.#form(res, 422, { purpose, token, name, problem });
    switch (await this.link.redeem(token, name, password)) {
      case 'already_set_up':
        return this.#alreadySetUp(res);
      case 'bad_token':
        return this.#badToken(res, purpose, name);
      case undefined:
        return this.#done(res, purpose, name.trim());
    }
  }

  #onlyWithoutProvider(): void {
    if (this.config.auth !== undefined) throw new PageError('not_here');
  }

  #form(res: Response, status: number, view: SetupView): void {
    this.pages.send(res, status, 'setup', view.purpose === 'setup' ? 'Set up this relay' : 'Set a new password', view);
  }

  #badToken(res: Response, purpose: SetupPurpose, name: string): void {
    const problem =
      purpose === 'setup'
        ? 'This token is not valid. The relay prints a new link each time it starts, and a link works for 24 hours.'
        : 'This token is not valid. A link works once, for 24 hours, and until the relay is started again.';
    this.#form(res, 403, { purpose, token: '', name, problem });
  }

  #done(res: Response, purpose: SetupPurpose, name: string): void {
    if (purpose === 'reset') {
      this.log.warn('the owner has a new password; every browser has to sign in again');
      this.pages.send(res, 200, 'resetDone', 'Password set', { name });
    } else {
      this.log.info('the owner has been set up');
      this.pages.send(res, 200, 'setupDone', 'Set up', { name, endpoint: `${this.publicUrl}/mcp` });
    }
  }

  #alreadySetUp(res: Response): void {
    this.pages.send(res, 403, 'error', 'Already set up', {
      title: 'This relay has an owner',
      lines: ['It can be set up only once. If that was not you, stop the relay and look into it.'],
    });
  }
}
