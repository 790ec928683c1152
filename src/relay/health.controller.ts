import { Controller, Get, Header, Inject, ServiceUnavailableException } from '@nestjs/common';
import { Draining } from './draining.js';
import type { Store } from './store/store.js';
import { STORE } from './tokens.js';

/** For supervisors and load balancers. */
@Controller()
export class HealthController {
  constructor(
    @Inject(Draining) private readonly draining: Draining,
    @Inject(STORE) private readonly store: Store,
  ) {}

  /** The process lives. */
  @Get('healthz')
  @Header('Cache-Control', 'no-store')
  live(): { status: string } {
    return { status: 'ok' };
  }

  /** New requests may come: not while starting (HttpFront answers then), draining, or without a store. */
  @Get('readyz')
  @Header('Cache-Control', 'no-store')
  async ready(): Promise<{ status: string }> {
    if (this.draining.draining) throw new ServiceUnavailableException({ status: 'draining' });
    if (!(await this.store.healthy())) throw new ServiceUnavailableException({ status: 'store unavailable' });
    return { status: 'ready' };
  }
}
