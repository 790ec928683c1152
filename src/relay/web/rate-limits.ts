import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Request, RequestHandler, Response } from 'express';
import { MemoryStore, rateLimit } from 'express-rate-limit';
import type { RelayConfig } from '../../config/config.js';
import { nameKey } from '../auth/accounts/accounts.js';
import { RELAY_CONFIG } from '../tokens.js';
import { PageError } from './page-error.js';
import { passed } from './passed.js';

const WINDOW_MS = 60_000;
/** Failures of an account from all addresses, for each that one address may have: one address alone locks nobody out. */
const ADDRESSES = 10;

/** How often a page may be asked for and a password be tried; `req.ip` is as far as `trustProxy` says. */
@Injectable()
export class RateLimits implements OnModuleDestroy {
  readonly #stores: MemoryStore[] = [];
  readonly #pages: RequestHandler;
  readonly #signInsOfAddress: RequestHandler;
  readonly #failuresOfAccount: RequestHandler;

  constructor(@Inject(RELAY_CONFIG) config: RelayConfig) {
    const { requestsPerMinute, signInsPerMinute } = config.limits;
    this.#pages = this.#limiter(requestsPerMinute);
    this.#signInsOfAddress = this.#limiter(signInsPerMinute);
    this.#failuresOfAccount = this.#limiter(ADDRESSES * signInsPerMinute, (req) =>
      nameKey(String(req.body?.name ?? '').slice(0, 256)),
    );
  }

  /** Throws PageError `too_many`. */
  page(req: Request, res: Response): Promise<void> {
    return passed(this.#pages, req, res);
  }

  /**
   * Before every password check; the form has to be read already. An account counts failures only, from any address:
   * guessing from many addresses is bounded too, at the price that a name under attack cannot sign in meanwhile.
   * Throws PageError `too_many`.
   */
  async signIn(req: Request, res: Response): Promise<void> {
    await passed(this.#signInsOfAddress, req, res);
    await passed(this.#failuresOfAccount, req, res);
  }

  onModuleDestroy(): void {
    for (const store of this.#stores) store.shutdown();
  }

  #limiter(limit: number, account?: (req: Request) => string): RequestHandler {
    const store = new MemoryStore();
    this.#stores.push(store);
    return rateLimit({
      windowMs: WINDOW_MS,
      limit,
      store,
      standardHeaders: false,
      legacyHeaders: false,
      // Its checks only print advice about `trust proxy`, which is the operator's `trustProxy`.
      validate: false,
      ...(account === undefined ? {} : { keyGenerator: account, skipSuccessfulRequests: true }),
      handler: (_req, res, next) => {
        res.set('Retry-After', String(WINDOW_MS / 1000));
        next(new PageError('too_many'));
      },
    });
  }
}
