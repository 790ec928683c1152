import type { Principal } from '../../auth/principal.js';
import type { Store } from '../../store/store.js';
import { type Endpoint, endpointPath } from '../endpoint.js';
import type { Shape } from '../json-rpc.js';
import type { LegacyVersion } from '../protocol-versions.js';
import { Session } from './session.js';
import { SessionCodec, sessionOwner } from './session-codec.js';

export interface SessionsSettings {
  readonly sessionSeconds: number;
  readonly replaySeconds: number;
}

export interface SessionHooks {
  /** A session of before the relay restarted, or one that had been idle, is back in memory. */
  reopened(session: Session, grantId: string): Promise<void>;
  /** A client has ended its session for good. */
  ended(session: Session): Promise<void>;
}

/** Sessions kept open in memory; the others are opened again from their ids. */
const MAX_OPEN = 10_000;
const IDLE_MS = 3600_000;
const SWEEP_MS = 15_000;

/** All legacy sessions with something in memory, by the id they came under, least recently used first. */
export class Sessions {
  readonly #open = new Map<string, Session>();
  /** Sessions whose end is being stored. */
  readonly #ending = new Set<string>();
  readonly #codec: SessionCodec;
  readonly #sweeper: NodeJS.Timeout;

  constructor(
    sealKey: Uint8Array,
    private readonly store: Store,
    private readonly settings: SessionsSettings,
    private readonly hooks: SessionHooks,
  ) {
    this.#codec = new SessionCodec(sealKey);
    this.#sweeper = setInterval(() => this.#sweep(Date.now()), SWEEP_MS);
    this.#sweeper.unref();
  }

  async create(
    principal: Principal,
    endpoint: Endpoint,
    client: { readonly version: LegacyVersion; readonly capabilities: Shape; readonly clientInfo: Shape | undefined },
  ): Promise<{ readonly id: string; readonly session: Session }> {
    const owner = sessionOwner(principal, endpointPath(endpoint));
    const { id, claims } = await this.#codec.seal({ ...client, owner });
    const session = new Session(claims, principal.userId, principal.clientId, endpoint);
    this.#remember(id, session);
    return { id, session };
  }

  /** The session of this id, if it is this principal's at this endpoint and has not ended. At once where it is in memory. */
  find(id: string, principal: Principal, endpoint: Endpoint): Session | undefined | Promise<Session | undefined> {
    const session = this.#open.get(id);
    if (session === undefined) return this.#reopen(id, principal, endpoint);
    // Most recently used goes last.
    this.#open.delete(id);
    this.#open.set(id, session);
    return this.#usable(session, principal, endpoint) ? session : undefined;
  }

  /** Ends a session for good. */
  async end(id: string, session: Session): Promise<void> {
    const { sid, issuedAt } = session.claims;
    this.#ending.add(sid);
    this.#open.delete(id);
    session.close('the session has ended');
    const left = issuedAt + this.settings.sessionSeconds - Date.now() / 1000;
    try {
      await this.store.put(`ended:${sid}`, true, { ttlSeconds: Math.max(60, Math.ceil(left)), durable: true });
      await this.hooks.ended(session);
    } finally {
      this.#ending.delete(sid);
    }
  }

  *all(): Iterable<Session> {
    yield* this.#open.values();
  }

  /** Ends whatever runs under a revoked grant. */
  revoke(grantId: string): void {
    for (const session of this.#open.values()) session.revoke(grantId);
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const session of this.#open.values()) session.close('the relay stops');
    this.#open.clear();
  }

  async #reopen(id: string, principal: Principal, endpoint: Endpoint): Promise<Session | undefined> {
    const claims = await this.#codec.open(id);
    if (claims === undefined) return undefined;
    if (claims.owner !== sessionOwner(principal, endpointPath(endpoint))) return undefined;
    const session = new Session(claims, principal.userId, principal.clientId, endpoint);
    if (!this.#usable(session, principal, endpoint)) return undefined;
    if ((await this.store.get(`ended:${claims.sid}`)) !== undefined || this.#ending.has(claims.sid)) return undefined;
    // Another request of the same session may have been faster.
    const first = this.#open.get(id);
    if (first !== undefined) return first;
    this.#remember(id, session);
    await this.hooks.reopened(session, principal.grantId);
    return session;
  }

  #usable(session: Session, principal: Principal, endpoint: Endpoint): boolean {
    const now = Date.now();
    session.lastUsed = now;
    if (session.claims.issuedAt + this.settings.sessionSeconds <= now / 1000) return false;
    return session.belongsTo(principal, endpoint);
  }

  #remember(id: string, session: Session): void {
    this.#open.set(id, session);
    if (this.#open.size <= MAX_OPEN) return;
    for (const [oldId, old] of this.#open) {
      if (!old.idle) continue;
      this.#forget(oldId, old);
      return;
    }
  }

  #sweep(now: number): void {
    for (const [id, session] of this.#open) {
      for (const stream of session.replays.values()) {
        if (stream.endedAt === undefined || now - stream.endedAt < this.settings.replaySeconds * 1000) continue;
        stream.forget();
        session.replays.delete(stream.name);
      }
      if (session.idle && now - session.lastUsed > IDLE_MS) this.#forget(id, session);
    }
  }

  /** Out of memory until it is used again. */
  #forget(id: string, session: Session): void {
    this.#open.delete(id);
    session.close('the session is idle');
  }
}
