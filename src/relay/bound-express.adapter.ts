import type { Server } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { RelayConfig } from '../config/config.js';
import type { TrustHop } from './host-rule.js';

/** Express for Nest over a server that is already listening; whoever made the server closes it. */
export class BoundExpressAdapter extends ExpressAdapter {
  /** Express's reading of the config's `trustProxy`. */
  readonly trust: TrustHop;
  #server: Server | undefined;

  constructor(trustProxy: RelayConfig['trustProxy']) {
    super();
    const app = this.getInstance();
    app.disable('x-powered-by');
    app.set('trust proxy', trustProxy);
    this.trust = app.get('trust proxy fn');
  }

  /** Before Nest is started. */
  bind(server: Server): void {
    this.#server = server;
  }

  override initHttpServer(): void {
    if (this.#server === undefined) throw new Error('bind() comes first');
    this.httpServer = this.#server;
  }

  override async close(): Promise<void> {}
}
