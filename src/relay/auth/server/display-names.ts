import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Store } from '../../store/store.js';
import { AGENT_CLIENT_ID } from './agent-client.js';
import { hashedId } from './sealed-record.js';

const KEEP_DAYS = 400;

/** How people are called, for pages and for the agent's login; never to decide anything by. */
export class DisplayNames {
  constructor(private readonly store: Store) {}

  async remember(userId: string, displayName: string): Promise<void> {
    await this.store.put(key(userId), { displayName }, { ttlSeconds: KEEP_DAYS * 86_400 });
  }

  /** The user id itself where no name is known. */
  async of(userId: string): Promise<string> {
    const known = await this.store.get<{ readonly displayName: string }>(key(userId));
    return known?.displayName ?? userId;
  }

  /**
   * Middleware around the token endpoint: the agent is told whose it is now (member `account`), so that its user sees
   * when somebody else has finished the login.
   */
  async tell(ctx: { body?: unknown; oidc?: KoaContextWithOIDC['oidc'] }, next: () => Promise<void>): Promise<void> {
    await next();
    const { body } = ctx;
    const account = ctx.oidc?.entities.Account?.accountId;
    if (ctx.oidc?.client?.clientId !== AGENT_CLIENT_ID || account === undefined) return;
    if (typeof body !== 'object' || body === null || !('access_token' in body)) return;
    Reflect.set(body, 'account', await this.of(account));
  }
}

function key(userId: string): string {
  return `identity:${hashedId(userId)}`;
}
