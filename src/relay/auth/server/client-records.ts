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

type Known = Pick<Registration, 'seenAt' | 'approved'>;

export interface ClientRecordParts {
  readonly store: Store;
  readonly errors: OidcProvider['errors'];
  readonly limits: Pick<Limits, 'registeredClients' | 'registrationDays'>;
}

/** Dynamically registered clients (RFC 7591): each expires some days after its last use, and there are only so many. */
export class ClientRecords implements Adapter {
  /** All registrations by key; reading them from the store each time would let a flood of registrations stop the relay. */
  #known: Promise<Map<string, Known>> | undefined;

  constructor(private readonly parts: ClientRecordParts) {}

  async upsert(id: string, metadata: AdapterPayload): Promise<void> {
    const known = await this.#all();
    await this.#makeRoom(known);
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
    (await this.#all()).delete(key(id));
    await this.parts.store.delete(key(id));
  }

  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async consume(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}

  /** At the limit the oldest client that nobody ever approved goes; one in use never does. */
  async #makeRoom(known: Map<string, Known>): Promise<void> {
    const expired = Date.now() - this.parts.limits.registrationDays * DAY_MS;
    let oldest: { readonly key: string; readonly seenAt: number } | undefined;
    for (const [found, { seenAt, approved }] of known) {
      if (seenAt <= expired) known.delete(found);
      else if (!approved && (oldest === undefined || seenAt < oldest.seenAt)) oldest = { key: found, seenAt };
    }
    if (known.size < this.parts.limits.registeredClients) return;
    if (oldest === undefined) {
      throw new this.parts.errors.TemporarilyUnavailable(
        'this relay has as many registered clients as it may have (limits.registeredClients)',
      );
    }
    known.delete(oldest.key);
    await this.parts.store.delete(oldest.key);
  }

  #all(): Promise<Map<string, Known>> {
    this.#known ??= this.#read().catch((error: unknown) => {
      this.#known = undefined;
      throw error;
    });
    return this.#known;
  }

  async #read(): Promise<Map<string, Known>> {
    const known = new Map<string, Known>();
    for await (const [found, { seenAt, approved }] of this.parts.store.list<Registration>(PREFIX)) {
      known.set(found, { seenAt, approved });
    }
    return known;
  }

  #get(id: string): Promise<Registration | undefined> {
    return this.parts.store.get<Registration>(key(id));
  }

  async #put(id: string, registration: Registration): Promise<void> {
    const { seenAt, approved } = registration;
    (await this.#all()).set(key(id), { seenAt, approved });
    const ttlSeconds = this.parts.limits.registrationDays * 86_400;
    await this.parts.store.put(key(id), registration, { ttlSeconds, durable: true });
  }
}

function key(id: string): string {
  return `${PREFIX}${hashedId(id)}`;
}
