import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Store } from '../../store/store.js';
import type { Revocations } from '../revocations.js';
import type { OidcProvider } from './load.js';
import { hashedId, openRecord, sealRecord } from './sealed-record.js';

/** What every model's records share. */
export interface RecordParts {
  readonly store: Store;
  readonly revocations: Revocations;
  readonly errors: OidcProvider['errors'];
  readonly refreshGraceSeconds: number;
}

interface Spent {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

// Lost after a power cut, these would cost someone a login or let a code be used twice.
const durable = new Set(['AuthorizationCode', 'RefreshToken', 'Grant']);

/**
 * One model of oidc-provider in the store. Ids are hashed and records sealed under their own id, so that a copy of
 * the store holds no usable code, token or cookie. Single use is one atomic claim, where the library alone would
 * find and then mark, and let parallel requests through.
 */
export class Records implements Adapter {
  constructor(
    private readonly model: string,
    private readonly parts: RecordParts,
  ) {}

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const key = this.#key(id);
    const options = { ttlSeconds: expiresIn, durable: durable.has(this.model) };
    if (this.model === 'ReplayDetection') {
      if (await this.parts.store.claim(key, sealRecord(id, payload), options)) return;
      throw new this.parts.errors.InvalidClient('client assertion was already used');
    }
    await this.parts.store.put(key, sealRecord(id, payload), options);
    if (payload.grantId !== undefined) {
      await this.parts.store.put(this.#grantIndex(payload.grantId) + hashedId(id), true, options);
    }
    if (payload.uid !== undefined) {
      await this.parts.store.put(uidKey(payload.uid), sealRecord(payload.uid, id), options);
    }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const sealed = await this.parts.store.get<string>(this.#key(id));
    if (sealed === undefined) return undefined;
    const payload = openRecord<AdapterPayload>(id, sealed);
    const spent = await this.parts.store.get<Spent>(this.#spentKey(id));
    if (spent === undefined || this.#inGrace(spent)) return payload;
    return { ...payload, consumed: Math.floor(spent.at / 1000) };
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const sealed = await this.parts.store.get<string>(uidKey(uid));
    return sealed === undefined ? undefined : this.find(openRecord<string>(uid, sealed));
  }

  /** Only device codes have one: DeviceCodeRecords. */
  async findByUserCode(_userCode: string): Promise<AdapterPayload | undefined> {
    return undefined;
  }

  async consume(id: string): Promise<void> {
    // A refresh token was spent by `RefreshGrace` before the library comes here.
    if (this.model === 'RefreshToken') return;
    const payload = await this.find(id);
    const ttl = payload?.exp === undefined ? 60 : payload.exp - Math.floor(Date.now() / 1000);
    if (!(await this.spend(id, ttl))) throw new this.parts.errors.InvalidGrant('already used');
  }

  /** True for the one caller that may use this record; never again true for it. */
  async spend(id: string, ttlSeconds: number): Promise<boolean> {
    const spent: Spent = { at: Date.now() };
    return this.parts.store.claim(this.#spentKey(id), spent, { ttlSeconds: Math.max(ttlSeconds, 1) });
  }

  /** Remembers what a spent token was exchanged for, while the grace window lasts; sealed under the spent token. */
  async keepSuccessor(id: string, successor: string): Promise<void> {
    const ttlSeconds = this.parts.refreshGraceSeconds;
    if (ttlSeconds > 0) await this.parts.store.put(successorKey(id), sealRecord(id, successor), { ttlSeconds });
  }

  async successor(id: string): Promise<string | undefined> {
    const sealed = await this.parts.store.get<string>(successorKey(id));
    return sealed === undefined ? undefined : openRecord<string>(id, sealed);
  }

  /**
   * Shortens what is kept of a spent record: long enough to notice a replay, not for the years a busy login lasts.
   * The mark that it is spent is left for its whole life, so that it can never count as unspent again.
   */
  async retire(id: string, grantId: string, ttlSeconds: number): Promise<void> {
    const sealed = await this.parts.store.get<string>(this.#key(id));
    if (sealed === undefined) return;
    await this.parts.store.put(this.#key(id), sealed, { ttlSeconds });
    await this.parts.store.put(this.#grantIndex(grantId) + hashedId(id), true, { ttlSeconds });
  }

  async destroy(id: string): Promise<void> {
    await this.parts.store.delete(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.parts.revocations.revoke(grantId);
    const index = this.#grantIndex(grantId);
    for await (const [key] of this.parts.store.list(index)) {
      await this.parts.store.delete(`oidc:${this.model}:${key.slice(index.length)}`);
      await this.parts.store.delete(key);
    }
  }

  /** Clients refresh twice at once, and lose answers: a spent refresh token is looked at as unspent for a while. */
  #inGrace(spent: Spent): boolean {
    return this.model === 'RefreshToken' && Date.now() - spent.at < this.parts.refreshGraceSeconds * 1000;
  }

  #key(id: string): string {
    return `oidc:${this.model}:${hashedId(id)}`;
  }

  #spentKey(id: string): string {
    return `oidc:spent:${this.model}:${hashedId(id)}`;
  }

  #grantIndex(grantId: string): string {
    return `oidc:grant:${grantId}:${this.model}:`;
  }
}

/**
 * Ends every browser session, and every authorization a browser is in the middle of: each carries the session it began
 * with. Whose they are cannot be told from outside; grants, and the clients and devices that hold them, stay.
 */
export async function endBrowserSessions(store: Store): Promise<void> {
  for (const model of ['Session', 'Interaction']) {
    for await (const [key] of store.list(`oidc:${model}:`)) await store.delete(key);
  }
}

function successorKey(id: string): string {
  return `oidc:successor:${hashedId(id)}`;
}

function uidKey(uid: string): string {
  return `oidc:uid:${hashedId(uid)}`;
}
