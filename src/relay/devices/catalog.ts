import { createHash } from 'node:crypto';
import { tooDeep } from '../../protocol/depth.js';
import type { Catalog, Entry, ServerBrief, ServerOffer } from '../../protocol/messages.js';
import type { ServerReason, ServerStatus } from '../../protocol/server-state.js';
import type { ServerView } from './types.js';

/** An entry whose JSON is deeper than this is left out: whoever writes it out again would run out of stack. */
const DEPTH_MAX = 100;

/** The lists of an offer, each with what tells one entry from another. */
const KEYS = { tools: 'name', prompts: 'name', resources: 'uri', resourceTemplates: 'uriTemplate' } as const;

export type ListKind = keyof typeof KEYS;

export interface OfferedEntry {
  /** Its name, URI or URI template. */
  readonly key: string;
  readonly entry: Entry;
  /** Of the entry's JSON text. */
  readonly digest: string;
}

export interface OfferedList {
  readonly entries: readonly OfferedEntry[];
  /** The same as they were offered. */
  readonly plain: readonly Entry[];
  /** Of all entries in their order. */
  readonly digest: string;
  /** JSON text of all entries. */
  readonly bytes: number;
}

/** A list with this digest that another server of the same user has offered. */
export type FindOffered = (kind: ListKind, digest: string) => OfferedList | undefined;

/** One local server as the registry keeps it. */
export interface ServerEntry {
  readonly view: ServerView;
  readonly lists: Readonly<Record<ListKind, OfferedList>>;
  /** Of everything clients may see of it. */
  readonly digest: string;
  readonly bytes: number;
  /** What the entry was made of, for the store; absent while the server was never ready. */
  readonly offered: Catalog | undefined;
}

const NO_LIST: OfferedList = { entries: [], plain: [], digest: '', bytes: 0 };
const NO_LISTS = { tools: NO_LIST, prompts: NO_LIST, resources: NO_LIST, resourceTemplates: NO_LIST };
const NO_ENTRIES = { tools: [], prompts: [], resources: [], resourceTemplates: [] };

/** An entry for a server that has been named and not described. */
export function namedServer({ name, status }: ServerBrief, reason?: ServerReason): ServerEntry {
  return {
    view: { name, status, ...(reason === undefined ? {} : { reason }), ...NO_ENTRIES, fit: true },
    lists: NO_LISTS,
    digest: digest(status, reason ?? ''),
    bytes: 0,
    offered: undefined,
  };
}

/** True when what a server in this state has offered stays listed: it has been ready and is to be so again. */
function keepsOffer(status: ServerStatus): boolean {
  return status !== 'disabled' && status !== 'stopped';
}

/** The entry with another state; what it offered stays as long as it is meant to come back. */
export function withStatus(entry: ServerEntry, status: ServerStatus, reason?: ServerReason): ServerEntry {
  if (entry.view.status === status && entry.view.reason === reason) return entry;
  if (!keepsOffer(status)) return namedServer({ name: entry.view.name, status }, reason);
  const { reason: _before, ...view } = entry.view;
  return {
    ...entry,
    view: { ...view, status, ...(reason === undefined ? {} : { reason }) },
    digest: digest(status, reason ?? '', entry.digest),
  };
}

/**
 * The entry after this catalog.
 * @param find what is the same on several of a user's machines is held once
 */
export function withCatalog(entry: ServerEntry | undefined, catalog: Catalog, find: FindOffered): ServerEntry {
  const { server: name, status, reason, offer } = catalog;
  if (offer === undefined || !keepsOffer(status)) {
    return withStatus(entry ?? namedServer({ name, status }, reason), status, reason);
  }
  const lists = {
    tools: listOf(offer.tools, 'tools', find),
    prompts: listOf(offer.prompts, 'prompts', find),
    resources: listOf(offer.resources, 'resources', find),
    resourceTemplates: listOf(offer.resourceTemplates, 'resourceTemplates', find),
  };
  const about = aboutOf(offer);
  const entries = {
    tools: lists.tools.plain,
    prompts: lists.prompts.plain,
    resources: lists.resources.plain,
    resourceTemplates: lists.resourceTemplates.plain,
  };
  const aboutText = JSON.stringify(about);
  const all = Object.values(lists);
  return {
    view: { name, status, ...(reason === undefined ? {} : { reason }), ...about, ...entries },
    lists,
    digest: digest(status, reason ?? '', aboutText, ...all.map((list) => list.digest)),
    bytes: aboutText.length + all.reduce((sum, list) => sum + list.bytes, 0),
    offered: { seq: 0, server: name, status, offer: offerOf(about, entries) },
  };
}

/** What an offer says apart from its lists. */
function aboutOf({ era, protocolVersion, serverInfo, capabilities, instructions, fit }: ServerOffer) {
  const shallow = (value: Entry) => (tooDeep(value, DEPTH_MAX) ? {} : value);
  return {
    era,
    protocolVersion,
    serverInfo: shallow(serverInfo),
    capabilities: shallow(capabilities),
    ...(instructions === undefined ? {} : { instructions }),
    fit,
  };
}

/** Member by member: V8 gives what is spread from two objects a hidden class of its own, 300 bytes for each server. */
function offerOf(
  { era, protocolVersion, serverInfo, capabilities, instructions, fit }: ReturnType<typeof aboutOf>,
  { tools, prompts, resources, resourceTemplates }: Pick<ServerOffer, ListKind>,
): ServerOffer {
  const about = { era, protocolVersion, serverInfo, capabilities, fit, tools, prompts, resources, resourceTemplates };
  return instructions === undefined ? about : { ...about, instructions };
}

function listOf(offered: readonly Entry[], kind: ListKind, find: FindOffered): OfferedList {
  const entries = new Map<string, OfferedEntry>();
  let bytes = 0;
  for (const entry of offered) {
    const key = String(entry[KEYS[kind]]);
    // Two of one name cannot both be reached; the first one counts, as with the server itself.
    if (entries.has(key) || tooDeep(entry, DEPTH_MAX)) continue;
    const text = JSON.stringify(entry);
    bytes += text.length;
    entries.set(key, { key, entry, digest: digest(text) });
  }
  if (entries.size === 0) return NO_LIST;
  const list = [...entries.values()];
  const all = digest(...list.map((one) => one.digest));
  return find(kind, all) ?? { entries: list, plain: list.map(({ entry }) => entry), digest: all, bytes };
}

export function digest(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('base64url');
}
