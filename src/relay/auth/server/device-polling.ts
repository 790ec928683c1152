import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Store } from '../../store/store.js';
import { DEVICE_CODE_SECONDS, DEVICE_PATH } from './device-flow.js';
import { hashedId } from './sealed-record.js';

/** What a device is told to wait between two polls. */
const INTERVAL_SECONDS = 2;
// RFC 8628 §3.5.
const SLOWER_BY_SECONDS = 5;
// A request may travel faster than the one before it.
const TOLERANCE_MS = 500;

interface Polled {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly intervalSeconds: number;
}

interface PolledContext {
  readonly path: string;
  body?: unknown;
  readonly oidc?: Pick<KoaContextWithOIDC['oidc'], 'params'>;
}

/** The pace of polling, which oidc-provider does not look at: `interval` (RFC 8628 §3.2) and `slow_down` (§3.5). */
export class DevicePolling {
  constructor(private readonly store: Store) {}

  /** Middleware around the device authorization and token endpoints. */
  async answer(ctx: PolledContext, next: () => Promise<void>): Promise<void> {
    await next();
    const { body } = ctx;
    if (typeof body !== 'object' || body === null) return;
    if (ctx.path === `${DEVICE_PATH}/auth` && 'device_code' in body) Reflect.set(body, 'interval', INTERVAL_SECONDS);
    if (!('error' in body) || body.error !== 'authorization_pending') return;
    const code = ctx.oidc?.params?.device_code;
    if (typeof code !== 'string' || !(await this.#tooSoon(code))) return;
    Object.assign(body, { error: 'slow_down', error_description: 'wait five seconds longer between polls' });
  }

  /** Only for codes that are really waiting, so nobody else can fill the store. */
  async #tooSoon(code: string): Promise<boolean> {
    const key = `oidc:polled:${hashedId(code)}`;
    const last = await this.store.get<Polled>(key);
    const before = last?.intervalSeconds ?? INTERVAL_SECONDS;
    const at = Date.now();
    const tooSoon = last !== undefined && at - last.at < before * 1000 - TOLERANCE_MS;
    const polled: Polled = { at, intervalSeconds: tooSoon ? before + SLOWER_BY_SECONDS : before };
    await this.store.put(key, polled, { ttlSeconds: DEVICE_CODE_SECONDS });
    return tooSoon;
  }
}
