import type { Catalog, ServerBrief } from '../../protocol/messages.js';
import { isSlug } from '../../protocol/names.js';
import {
  type FindOffered,
  type ListKind,
  namedServer,
  type OfferedList,
  type ServerEntry,
  withCatalog,
  withStatus,
} from './catalog.js';
import type { DeviceDirectory } from './directory.js';
import { LinkViolation } from './link.js';

const SERVERS_MAX = 256;
/** JSON text of everything one device offers. */
const OFFER_BYTES = 64 * 1024 * 1024;

/** What one device's local servers offer, as last reported; kept in the store for the next start of the relay. */
export class ServerCatalogs {
  readonly #servers = new Map<string, ServerEntry>();
  /** Newest catalog of each server taken from this start of the agent. */
  readonly #seq = new Map<string, number>();

  constructor(
    private readonly userId: string,
    private readonly deviceId: string,
    private readonly directory: DeviceDirectory,
    private readonly find: FindOffered,
  ) {
    for (const catalog of directory.catalogs(deviceId))
      this.#servers.set(catalog.server, withCatalog(undefined, catalog, find));
  }

  /** See FindOffered. */
  offered(kind: ListKind, digest: string): OfferedList | undefined {
    for (const { lists } of this.#servers.values()) if (lists[kind].digest === digest) return lists[kind];
    return undefined;
  }

  /** By name, so that no order of arrival shows. */
  get entries(): ServerEntry[] {
    return [...this.#servers.values()].sort((a, b) => (a.view.name < b.view.name ? -1 : 1));
  }

  /** The agent's servers are these; what they offered before stays listed until they say anew. */
  named(briefs: readonly ServerBrief[]): void {
    const names = new Set(briefs.map((brief) => brief.name));
    for (const name of this.#servers.keys()) {
      if (names.has(name)) continue;
      this.#servers.delete(name);
      this.directory.dropCatalog(this.userId, this.deviceId, name);
    }
    for (const brief of briefs) {
      const entry = this.#servers.get(brief.name);
      this.#servers.set(brief.name, entry === undefined ? namedServer(brief) : withStatus(entry, brief.status));
    }
  }

  /** Another start of the agent counts its catalogs anew. */
  restarted(): void {
    this.#seq.clear();
  }

  /** @returns whether anything is different now. @throws LinkViolation */
  take(catalog: Catalog): boolean {
    if (!isSlug(catalog.server)) throw new LinkViolation('a server name that is none');
    if (catalog.seq < (this.#seq.get(catalog.server) ?? 0)) return false;
    this.#seq.set(catalog.server, catalog.seq);
    const before = this.#servers.get(catalog.server);
    if (before === undefined && this.#servers.size >= SERVERS_MAX) throw new LinkViolation('too many servers');
    const entry = withCatalog(before, catalog, this.find);
    if (before !== undefined && entry.digest === before.digest) return false;
    let bytes = entry.bytes - (before?.bytes ?? 0);
    for (const { bytes: one } of this.#servers.values()) bytes += one;
    if (bytes > OFFER_BYTES) throw new LinkViolation('larger catalogs than a device may have');
    this.#servers.set(catalog.server, entry);
    if (entry.offered === undefined) this.directory.dropCatalog(this.userId, this.deviceId, catalog.server);
    else if (entry.offered !== before?.offered) this.directory.putCatalog(this.userId, this.deviceId, entry.offered);
    return true;
  }
}
