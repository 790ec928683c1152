import { createHash } from 'node:crypto';
import { exposedNames } from '../../protocol/names.js';
import { digest, type ListKind, type OfferedEntry, type ServerEntry } from './catalog.js';
import type { CallTarget } from './types.js';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** One device's part of merged lists. */
export interface ListSource {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly servers: readonly ServerEntry[];
}

/** One entry of one server's list. */
export interface ListItem {
  readonly source: ListSource;
  readonly server: ServerEntry;
  readonly offered: OfferedEntry;
}

export interface NameTableOptions<T> {
  readonly kind: 'tools' | 'prompts';
  /** Names that no entry gets. */
  readonly taken: readonly string[];
  /** Entries listed; the rest is counted in `omitted`. */
  readonly max: number;
  readonly expose: (item: ListItem, exposedName: string) => T;
}

export type NameResolution<T> =
  | { readonly kind: 'found'; readonly item: T }
  /** Several answer to this form; their full names. */
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[] }
  | { readonly kind: 'unknown' };

interface Named extends ListItem {
  readonly identity: string;
}

/** A user's merged tools or prompts, and the tables that lead from both forms of a name back to one. */
export class NameTable<T extends { readonly exposedName: string }> {
  /** By exposed name, byte order. */
  readonly items: readonly T[];
  readonly omitted: number;
  /** Changes exactly when what clients see changes. */
  readonly revision: string;
  readonly #listed = new Map<string, T>();
  /** The form that is not listed: device in front with one device, without it with several. */
  readonly #other = new Map<string, T[]>();

  constructor(
    sources: readonly ListSource[],
    private readonly options: NameTableOptions<T>,
  ) {
    const { kind, max, expose } = options;
    const items: Named[] = itemsOf(sources, kind).map((item) => ({
      ...item,
      identity: `${item.source.deviceId}\0${item.server.view.name}\0${item.offered.key}`,
    }));
    const many = sources.length > 1;
    const found = new Map<string, Named>();
    this.#names(items, many).forEach((exposedName, index) => {
      // Six characters of hash can meet; whoever came second is left out rather than answering for the other.
      if (!found.has(exposedName)) found.set(exposedName, items[index] as Named);
    });
    const listed = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, max);
    const exposed = new Map<Named, T>(listed.map(([name, item]) => [item, expose(item, name)]));
    this.items = [...exposed.values()];
    for (const item of this.items) this.#listed.set(item.exposedName, item);
    // Each device's short names are those it has when it is alone.
    const groups = many ? sources.map((source) => items.filter((item) => item.source === source)) : [items];
    for (const group of groups) this.#addOther(group, this.#names(group, !many), exposed);
    this.omitted = items.length - this.items.length;
    this.revision = digest(...listed.flatMap(([name, item]) => [name, ...seen(item)]), String(this.omitted));
  }

  resolve(name: string): NameResolution<T> {
    const listed = this.#listed.get(name);
    if (listed !== undefined) return { kind: 'found', item: listed };
    const others = this.#other.get(name) ?? [];
    const [only] = others;
    if (only === undefined) return { kind: 'unknown' };
    if (others.length === 1) return { kind: 'found', item: only };
    return { kind: 'ambiguous', candidates: others.map((item) => item.exposedName).sort() };
  }

  #addOther(group: readonly Named[], forms: readonly string[], exposed: ReadonlyMap<Named, T>): void {
    group.forEach((item, index) => {
      const known = exposed.get(item);
      if (known === undefined) return;
      const form = forms[index] as string;
      const others = this.#other.get(form);
      if (others === undefined) this.#other.set(form, [known]);
      else others.push(known);
    });
  }

  #names(items: readonly Named[], withDevice: boolean): string[] {
    const named = items.map(({ source, server, offered, identity }) => ({
      device: withDevice ? source.deviceName : undefined,
      server: server.view.name,
      name: offered.key,
      identity,
    }));
    return exposedNames(named, hashName, this.options.taken);
  }
}

/** All entries of one kind, device by device and server by server. */
export function itemsOf(sources: readonly ListSource[], kind: ListKind): ListItem[] {
  return sources.flatMap((source) =>
    source.servers.flatMap((server) => server.lists[kind].entries.map((offered) => ({ source, server, offered }))),
  );
}

/** What decides how an entry is shown, besides its name. */
export function seen({ source, server, offered }: ListItem): string[] {
  return [source.deviceId, source.deviceName, String(server.view.fit), offered.digest];
}

export function targetOf({ source, server }: ListItem): CallTarget {
  return { userId: source.userId, deviceId: source.deviceId, server: server.view.name };
}

function hashName(identity: string): string {
  const hash = createHash('sha256').update(identity).digest();
  let text = '';
  for (const byte of hash.subarray(0, 6)) text += BASE32[byte & 31];
  return text;
}
