import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Limits } from '../config/config.js';
import type { Logger } from '../log/logger.js';
import { DeviceRegistry } from './devices/device-registry.js';
import { Draining } from './draining.js';
import type { HttpFront } from './http-front.js';
import type { Store } from './store/store.js';
import { TunnelGateway } from './tunnel/tunnel.gateway.js';

/** Agents dial again within this time of hearing of the restart; the next relay lets them in at its own pace. */
const REDIAL_MS = 1000;
/** Each step after the calls have ended. */
const STEP_MS = 3000;

export interface RelayParts {
  readonly nest: NestExpressApplication;
  readonly front: HttpFront;
  readonly store: Store;
  readonly limits: Limits;
  readonly logger: Logger;
}

/**
 * Not ready → no new calls and upgrades → agents told → running calls end → streams end → links closed → HTTP closed →
 * store closed. Each step has a deadline of its own, so that the whole has one. Never rejects.
 */
export async function shutDown({ nest, front, store, limits, logger }: RelayParts): Promise<void> {
  const draining = nest.get(Draining, { strict: false });
  const registry = nest.get(DeviceRegistry, { strict: false });
  const gateway = nest.get(TunnelGateway, { strict: false });
  const step = async (name: string, ms: number, run: () => Promise<unknown>): Promise<void> => {
    try {
      if (!(await within(ms, run()))) logger.warn(`${name} took too long`, { seconds: ms / 1000 });
    } catch (error) {
      logger.error(`${name} failed`, { problem: error instanceof Error ? error.message : String(error) });
    }
  };
  draining.begin();
  registry.drain(REDIAL_MS);
  await step('running calls', limits.drainSeconds * 1000, () => registry.idle());
  registry.fail();
  await step('open streams', STEP_MS, () => draining.end());
  await step('device directory', STEP_MS, () => registry.close());
  await step('links', STEP_MS, () => gateway.closeAll());
  await step('connections', 2 * STEP_MS, () => front.close(STEP_MS));
  await step('modules', STEP_MS, () => nest.close());
  await step('store', STEP_MS, () => store.close());
}

/** @returns false when `work` is not done in time; it goes on unobserved */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
