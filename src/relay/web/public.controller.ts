import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import type { Request, Response } from 'express';
import { PUBLIC_URL } from '../tokens.js';
import { PageExceptionFilter } from './page-exception.filter.js';
import { plainWords } from './pages/consent.js';
import { Pages } from './pages/pages.js';
import { RateLimits } from './rate-limits.js';

/** Pages that know nothing of anybody. */
@Controller()
@UseFilters(PageExceptionFilter)
export class PublicController {
  constructor(
    @Inject(PUBLIC_URL) private readonly publicUrl: string,
    private readonly pages: Pages,
    private readonly limits: RateLimits,
  ) {}

  @Get()
  async landing(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.limits.page(req, res);
    this.pages.send(res, 200, 'landing', 'mcp-local-tunnel relay', { endpoint: `${this.publicUrl}/mcp` });
  }

  /**
   * Where an agent's login ends when its terminal is on another machine than the browser: shows the authorization
   * response (RFC 6749 §4.1.2, RFC 9207) for copying. The relay neither keeps nor uses it.
   */
  @Get('login/code')
  async code(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.limits.page(req, res);
    const query = new URL(req.originalUrl, this.publicUrl).searchParams;
    const response = new URLSearchParams();
    for (const name of ['code', 'error', 'error_description', 'state', 'iss']) {
      const value = query.get(name);
      if (value !== null) response.set(name, value);
    }
    const error = query.get('error');
    const complete = query.has('state') && (query.has('code') || error !== null);
    const refused = error === null ? undefined : plainWords(query.get('error_description') ?? error);
    this.pages.send(res, complete ? 200 : 400, 'code', 'Code for your terminal', {
      response: complete ? response.toString() : undefined,
      refused,
    });
  }
}
