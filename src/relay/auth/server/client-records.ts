import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Limits } from '../../../config/config.js';
import type { Store } from '../../store/store.js';
import type { OidcProvider } from './load.js';
import { hashedId } from './sealed-record.js';

const PREFIX = 'oidc:Client:';
const DAY_MS = 86_400_000;

interface Registration {
  readonly metadata: AdapterPayload;
  /** Milliseconds since the epoch, to the day. */
  readonly seenAt: number;
  /** Someone has approved this client at least once. */
  readonly approved: boolean;
}

export interface ClientRecordParts {
  readonly store: Store;
  readonly errors: OidcProvider['errors'];
  readonly limits: Pick<Limits, 'registeredClients' | 'registrationDays'>;
}

/** Dynamically registered clients (RFC 7591): each expires some days after its last use, and there are only so many. */
export class ClientRecords implements Adapter {
  constructor(private readonly parts: ClientRecordParts) {}

  async upsert(id: string, metadata: AdapterPayload): Promise<void> {
    await this.#makeRoom();
    await this.#put(id, { metadata, seenAt: Date.now(), approved: false });
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const found = await this.#get(id);
    if (found === undefined) return undefined;
    if (Date.now() - found.seenAt > DAY_MS) await this.#put(id, { ...found, seenAt: Date.now() });
    return found.metadata;
  }

  /** Someone let this client in: it no longer makes room for new ones. */
  async approved(id: string): Promise<void> {
    const found = await this.#get(id);
    if (found !== undefined && !found.approved) await this.#put(id, { ...found, seenAt: Date.now(), approved: true });
  }

  async destroy(id: string): Promise<void> {
    await this.parts.store.delete(key(id));
  }

  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async consume(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}

  /** At the limit the oldest client that nobody ever approved goes; one in use never does. */
  async #makeRoom(): Promise<void> {
    let count = 0;
    let oldest: { readonly key: string; readonly seenAt: number } | undefined;
    for await (const [found, { seenAt, approved }] of this.parts.store.list<Registration>(PREFIX)) {
      count += 1;
      if (!approved && (oldest === undefined || seenAt < oldest.seenAt)) oldest = { key: found, seenAt };
    }
    if (count < this.parts.limits.registeredClients) return;
    if (oldest === undefined) {
      throw new this.parts.errors.TemporarilyUnavailable(
        'this relay has as many registered clients as it may have (limits.registeredClients)',
      );
    }
    await this.parts.store.delete(oldest.key);
  }

  #get(id: string): Promise<Registration | undefined> {
    return this.parts.store.get<Registration>(key(id));
  }

  #put(id: string, registration: Registration): Promise<void> {
    const ttlSeconds = this.parts.limits.registrationDays * 86_400;
    return this.parts.store.put(key(id), registration, { ttlSeconds, durable: true });
  }
}

function key(id: string): string {
  return `${PREFIX}${hashedId(id)}`;
}
