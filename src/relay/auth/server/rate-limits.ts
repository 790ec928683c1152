import type { RequestHandler } from 'express';
import { MemoryStore, type RateLimitRequestHandler, rateLimit } from 'express-rate-limit';
import type { Limits } from '../../../config/config.js';

/** Express middleware that counts requests per client address (IPv6: per /56 network) and answers 429 above the limit. */
export interface RateLimits {
  /** Metadata, /authorize and the pages people see. */
  readonly requests: RateLimitRequestHandler;
  /** /token and /revoke. */
  readonly tokens: RateLimitRequestHandler;
  readonly registrations: RateLimitRequestHandler;
  /** Codes that machines ask for. */
  readonly deviceCodes: RateLimitRequestHandler;
  /** Codes that people type. */
  readonly userCodes: RateLimitRequestHandler;
  /** Ends the timers. */
  close(): void;
}

const MINUTE = 60_000;

/**
 * `req.ip` is what counts, so Express's `trust proxy` must be set as the config says.
 * @param refuse answers a request above its limit; Retry-After is set
 */
export function createRateLimits(limits: Limits, refuse: RequestHandler): RateLimits {
  const stores: MemoryStore[] = [];
  const perAddress = (limit: number, windowMs: number): RateLimitRequestHandler => {
    const store = new MemoryStore();
    stores.push(store);
    return rateLimit({
      limit,
      windowMs,
      store,
      ipv6Subnet: 56,
      // With it comes Retry-After on a refusal.
      standardHeaders: 'draft-7',
      legacyHeaders: false,
      // Its advice about proxies goes to the console; `trustProxy` is the operator's to set.
      validate: false,
      handler: refuse,
    });
  };
  return {
    requests: perAddress(limits.requestsPerMinute, MINUTE),
    tokens: perAddress(limits.tokensPerMinute, MINUTE),
    registrations: perAddress(limits.registrationsPerHour, 60 * MINUTE),
    deviceCodes: perAddress(limits.signInsPerMinute, MINUTE),
    userCodes: perAddress(limits.signInsPerMinute, MINUTE),
    close: () => {
      for (const store of stores) store.shutdown();
    },
  };
}
