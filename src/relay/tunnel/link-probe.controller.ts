import { Controller, Get, Header, HttpException, UseGuards } from '@nestjs/common';
import { LINK_PATH } from '../../protocol/frames.js';
import { BearerGuard } from '../auth/bearer.guard.js';

/** A plain GET of the link's address tells an agent whether its token is good: 426 for yes, 401 or 403 for no. */
@Controller(LINK_PATH)
@UseGuards(BearerGuard)
export class LinkProbeController {
  @Get()
  @Header('Upgrade', 'websocket')
  probe(): never {
    throw new HttpException({ error: 'upgrade_required', error_description: 'open a WebSocket here' }, 426);
  }
}
