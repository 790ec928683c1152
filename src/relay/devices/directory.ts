import { createHash } from 'node:crypto';
import type { Logger } from '../../log/logger.js';
import { MessageError } from '../../protocol/message-reader.js';
import { type Catalog, catalogOf, type Hello } from '../../protocol/messages.js';
import type { Store } from '../store/store.js';
import { digest } from './catalog.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A device not seen for this long is forgotten, and its name is free again. */
const FORGET_MS = 90 * DAY_MS;

/** What is kept of a device over restarts of the relay. */
export interface DeviceRecord {
  readonly id: string;
  readonly name: string;
  /** The name its agent asked for. */
  readonly wished: string;
  readonly app: Hello['app'];
  /** Milliseconds since the epoch. */
  readonly lastSeen: number;
  /** It said goodbye, or was sent away. */
  readonly left: boolean;
}

/** Stable for a user's machine, and telling nothing about either. */
export function deviceIdOf(userId: string, machine: string): string {
  return createHash('sha256').update(`${userId}\0${machine}`).digest('hex').slice(0, 32);
}

/** The devices of all users in the store. Reads once, at start; writes are not waited for and never fail a call. */
export class DeviceDirectory {
  readonly #byUser = new Map<string, Map<string, DeviceRecord>>();
  readonly #catalogs = new Map<string, Catalog[]>();
  /** Writes go one after the other: an older one must not overtake a newer one of the same key. */
  #writes: Promise<void> = Promise.resolve();

  /** @param presentMs catalogs of devices seen within this time are read too */
  constructor(
    private readonly store: Store,
    private readonly logger: Logger,
    private readonly presentMs: number,
  ) {}

  async load(): Promise<void> {
    const now = Date.now();
    for await (const [key, record] of this.store.list<DeviceRecord>('device:')) {
      const [, user = '', id = ''] = key.split(':');
      const age = now - record.lastSeen;
      if (age > FORGET_MS) this.#forgetKey(user, id);
      else this.#ofUser(user).set(id, record);
      if (age > this.presentMs || record.left) this.#dropCatalogs(user, id);
      else await this.#loadCatalogs(user, id);
    }
  }

  /** The records of one user, by device id. */
  records(userId: string): ReadonlyMap<string, DeviceRecord> {
    return this.#byUser.get(userKey(userId)) ?? new Map();
  }

  /** What a device offered before this relay started. */
  catalogs(deviceId: string): readonly Catalog[] {
    return this.#catalogs.get(deviceId) ?? [];
  }

  /** @param durable a name must not be lost to a power cut */
  put(userId: string, record: DeviceRecord, durable: boolean): void {
    const user = userKey(userId);
    this.#ofUser(user).set(record.id, record);
    this.#catalogs.delete(record.id);
    this.#write(() => this.store.put(`device:${user}:${record.id}`, record, { durable }));
  }

  putCatalog(userId: string, deviceId: string, catalog: Catalog): void {
    this.#write(() => this.store.put(catalogKey(userKey(userId), deviceId, catalog.server), catalog));
  }

  dropCatalog(userId: string, deviceId: string, server: string): void {
    this.#write(() => this.store.delete(catalogKey(userKey(userId), deviceId, server)));
  }

  /** The device is no longer present: what it offered need not be kept. */
  dropCatalogs(userId: string, deviceId: string): void {
    this.#dropCatalogs(userKey(userId), deviceId);
  }

  forget(userId: string, deviceId: string): void {
    this.#forgetKey(userKey(userId), deviceId);
    this.dropCatalogs(userId, deviceId);
  }

  /** Forgets devices that were not seen for long. */
  sweep(): void {
    const before = Date.now() - FORGET_MS;
    // Whoever was to come back after the relay's start has done so by now.
    this.#catalogs.clear();
    for (const [user, records] of this.#byUser) {
      for (const record of records.values()) if (record.lastSeen < before) this.#forgetKey(user, record.id);
    }
  }

  /** Resolves when every write begun is done. */
  flush(): Promise<void> {
    return this.#writes;
  }

  async #loadCatalogs(user: string, id: string): Promise<void> {
    const catalogs: Catalog[] = [];
    for await (const [key, value] of this.store.list(`catalog:${user}:${id}:`)) {
      try {
        // What an older relay wrote has fewer lists.
        catalogs.push(catalogOf(value));
      } catch (error) {
        if (!(error instanceof MessageError)) throw error;
        this.#write(() => this.store.delete(key));
      }
    }
    this.#catalogs.set(id, catalogs);
  }

  #dropCatalogs(user: string, id: string): void {
    this.#write(async () => {
      for await (const [key] of this.store.list(`catalog:${user}:${id}:`)) await this.store.delete(key);
    });
  }

  #forgetKey(user: string, id: string): void {
    const records = this.#byUser.get(user);
    if (records?.delete(id) && records.size === 0) this.#byUser.delete(user);
    this.#write(() => this.store.delete(`device:${user}:${id}`));
  }

  #ofUser(user: string): Map<string, DeviceRecord> {
    let records = this.#byUser.get(user);
    if (records === undefined) {
      records = new Map();
      this.#byUser.set(user, records);
    }
    return records;
  }

  #write(run: () => Promise<void>): void {
    this.#writes = this.#writes.then(run).catch((error: unknown) => {
      const problem = error instanceof Error ? error.message : String(error);
      this.logger.warn('device directory not written', { problem });
    });
  }
}

function userKey(userId: string): string {
  return digest('user', userId);
}

function catalogKey(user: string, deviceId: string, server: string): string {
  return `catalog:${user}:${deviceId}:${server}`;
}
