import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import type { Request, Response } from 'express';
import { PUBLIC_URL } from '../tokens.js';
import { PageExceptionFilter } from './page-exception.filter.js';
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
}
