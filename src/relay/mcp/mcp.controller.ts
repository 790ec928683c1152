import type { IncomingMessage, ServerResponse } from 'node:http';
import { All, Controller, Delete, Get, Head, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { BearerGuard, principalOf } from '../auth/bearer.guard.js';
import { requestPath } from '../auth/bearer.js';
import { endpointAt } from './endpoint.js';
import type { Exchange } from './exchange.js';
import { McpEndpoint } from './mcp-endpoint.js';

/** MCP over Streamable HTTP. The endpoint writes the responses itself: nothing of Nest's may touch a body. */
@Controller(['mcp', 'mcp/:device', 'mcp/:device/:server'])
@UseGuards(BearerGuard)
export class McpController {
  constructor(private readonly endpoint: McpEndpoint) {}

  @Post()
  post(@Req() req: IncomingMessage, @Res() res: ServerResponse): void {
    this.endpoint.post(exchange(req, res));
  }

  /** Before GET, which would answer it with a stream. */
  @Head()
  head(@Req() req: Request, @Res() res: Response): void {
    const known = this.endpoint.exists(exchange(req, res));
    res
      .status(known ? 200 : 404)
      .set('Allow', METHODS)
      .end();
  }

  @Get()
  get(@Req() req: Request, @Res() res: Response): Promise<void> {
    return this.endpoint.get(exchange(req, res));
  }

  @Delete()
  delete(@Req() req: Request, @Res() res: Response): Promise<void> {
    return this.endpoint.delete(exchange(req, res));
  }

  @All()
  other(@Res() res: Response): void {
    res.status(405).set('Allow', METHODS).end();
  }
}

const METHODS = 'POST, GET, HEAD, DELETE, OPTIONS';

function exchange(req: IncomingMessage, res: ServerResponse): Exchange {
  return { principal: principalOf(req), endpoint: endpointAt(requestPath(req)), req, res };
}
