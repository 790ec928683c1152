import { Controller, Get, Inject, Optional, Req, Res, UseFilters } from '@nestjs/common';
import type { Request, Response } from 'express';
import { OidcLogin } from '../auth/login/oidc-login.js';
import { PUBLIC_URL } from '../tokens.js';
import { interactionPath, OutcomeCookie } from './outcome-cookie.js';
import { PageError } from './page-error.js';
import { PageExceptionFilter } from './page-exception.filter.js';
import { RateLimits } from './rate-limits.js';

/** The redirect URI registered at the provider. */
@Controller('callback')
@UseFilters(PageExceptionFilter)
export class CallbackController {
  constructor(
    @Optional() @Inject(OidcLogin) private readonly login: OidcLogin | undefined,
    @Inject(PUBLIC_URL) private readonly publicUrl: string,
    private readonly limits: RateLimits,
    private readonly outcomes: OutcomeCookie,
  ) {}

  /** Goes on below /interaction/:uid, where the cookie of the authorization request is sent. */
  @Get()
  async receive(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.limits.page(req, res);
    if (!this.login) throw new PageError('not_here');
    const { uid, account } = await this.login.complete(req, res);
    this.outcomes.set(res, uid, { kind: 'signed_in', account });
    res.redirect(303, `${interactionPath(this.publicUrl, uid)}/end`);
  }
}
