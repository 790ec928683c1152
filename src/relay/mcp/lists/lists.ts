import { createHash } from 'node:crypto';
import { profileOf } from '../../../protocol/client-profiles.js';
import type {
  Devices,
  DeviceView,
  MergedList,
  PromptList,
  ResourceList,
  ServerView,
  ToolList,
} from '../../devices/types.js';
import { ownMembers } from '../answers/relay-info.js';
import type { Caller } from '../caller.js';
import type { Endpoint, ServerEndpoint } from '../endpoint.js';
import type { Shape } from '../json-rpc.js';
import { devicesAt, serverAt } from '../scope.js';
import { KeptPages } from './kept-pages.js';
import type { ListCursors } from './list-cursor.js';
import { type ListMethod, pageEntries } from './page-entries.js';

/** An endpoint that shows several servers under names of ours. */
export type MergedEndpoint = Exclude<Endpoint, ServerEndpoint>;

/** What a `list_changed` notification can be about; that of resources is of their templates, too. */
export const LIST_KINDS = ['tools', 'prompts', 'resources'] as const;
export type ListKind = (typeof LIST_KINDS)[number];

/** The member of the result that holds the entries. */
const MEMBERS: Readonly<Record<ListMethod, string>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};

/** True for a method that a merged endpoint answers from what the agents have reported. */
export function isListMethod(method: string): method is ListMethod {
  return Object.hasOwn(MEMBERS, method);
}

/** What a change of the list that this method gives is told as. */
export function kindOfList(method: ListMethod): ListKind {
  if (method === 'tools/list') return 'tools';
  return method === 'prompts/list' ? 'prompts' : 'resources';
}

/** One page of a list, for one kind of client. */
export interface ListPage {
  /** JSON text of the result, and the bracket that ends the response; others may be sent the same bytes. */
  readonly ending: Buffer;
  /** Of the list. */
  readonly revision: string;
}

const NO_TOOLS: ToolList = { revision: '', tools: [], omitted: 0 };
const NO_PROMPTS: PromptList = { revision: '', prompts: [], omitted: 0 };
const NO_RESOURCES: ResourceList = { revision: '', resources: [], omitted: 0 };

/** Results of the list methods at merged endpoints. Each page is kept as it goes out while what it shows stands. */
export class Lists {
  readonly #pages: KeptPages;
  readonly #forget: () => void;
  /** Revisions of a transparent endpoint's lists. */
  readonly #own = new WeakMap<readonly Shape[], string>();
  /** See `#fits`, of an endpoint's devices as they are now. */
  readonly #fitted = new WeakMap<readonly DeviceView[] | DeviceView, boolean>();

  constructor(
    private readonly devices: Devices,
    private readonly cursors: ListCursors,
    private readonly settings: {
      readonly pageSize: number;
      /** What is kept of all users' pages. */
      readonly listBytes: number;
      readonly version: string;
    },
  ) {
    this.#pages = new KeptPages(settings.listBytes);
    this.#forget = devices.onListDropped((userId, list) => this.#pages.drop(userId, list));
  }

  /** Of pages that are kept as they go out. */
  get keptBytes(): number {
    return this.#pages.bytes;
  }

  /** Nothing more is listed. */
  close(): void {
    this.#forget();
  }

  /** Changes exactly when what this endpoint lists changes; at a transparent one, as far as its agent has said so. */
  revision(userId: string, endpoint: Endpoint, kind: ListKind): string {
    if (endpoint.kind === 'server') return this.#serversOwn(serverAt(this.devices, userId, endpoint)?.server, kind);
    if (kind === 'tools') return this.#toolsRevision(userId, endpoint, this.#list(userId, endpoint, 'tools/list'));
    if (kind === 'prompts') return this.#list(userId, endpoint, 'prompts/list').revision;
    const resources = this.#list(userId, endpoint, 'resources/list').revision;
    return `${resources} ${this.#list(userId, endpoint, 'resources/templates/list').revision}`;
  }

  /**
   * @param caller at a merged endpoint; at another nothing is listed
   * @returns undefined for a cursor that is forged, another user's, or of a list that has changed
   */
  page(caller: Caller, method: ListMethod, cursor: string | undefined): ListPage | undefined {
    const { userId, endpoint, client } = caller;
    if (endpoint.kind === 'server') return undefined;
    const list = this.#list(userId, endpoint, method);
    const ofTools = method === 'tools/list';
    const fits = ofTools && this.#fits(userId, endpoint);
    const revision = fits ? `${list.revision}+` : list.revision;
    const name = `${method} ${revision}`;
    const offset = cursor === undefined ? 0 : this.cursors.read(cursor, userId, name);
    if (offset === undefined) return undefined;
    const profile = ofTools ? profileOf(client) : undefined;
    // All that a page depends on besides its user and the list; the endpoint is that of the list.
    const key = `${method} ${client.era} ${client.protocolVersion} ${profile?.name ?? ''} ${fits} ${offset}`;
    const kept = this.#pages.get(userId, list, key);
    if (kept !== undefined) return { ending: kept, revision };
    const { pageSize: size, version } = this.settings;
    const { entries, more } = pageEntries(list, method, { client, profile, fits, offset, size });
    const next = more ? this.cursors.make(userId, name, offset + size) : undefined;
    const own = ownMembers(client.era, version, client.protocolVersion);
    const members = [
      // Of one user, and true only now: nothing tells a client's cache of a change it has not asked for.
      ...(client.era === 'modern' ? [own, '"ttlMs":0', '"cacheScope":"private"'] : []),
      `"${MEMBERS[method]}":${JSON.stringify(entries)}`,
      ...(next === undefined ? [] : [`"nextCursor":${JSON.stringify(next)}`]),
    ];
    const ending = ownBytes(`{${members.join(',')}}}`);
    this.#pages.add(userId, list, key, ending);
    return { ending, revision };
  }

  #list(userId: string, endpoint: MergedEndpoint, method: 'tools/list'): ToolList;
  #list(userId: string, endpoint: MergedEndpoint, method: ListMethod): MergedList;
  #list(userId: string, endpoint: MergedEndpoint, method: ListMethod): MergedList {
    const [device] = endpoint.kind === 'device' ? devicesAt(this.devices, userId, endpoint) : [];
    const none = endpoint.kind === 'device' && device === undefined;
    switch (method) {
      case 'tools/list':
        return none ? NO_TOOLS : this.devices.tools(userId, device?.id);
      case 'prompts/list':
        return none ? NO_PROMPTS : this.devices.prompts(userId, device?.id);
      case 'resources/list':
        return none ? NO_RESOURCES : this.devices.resources(userId, device?.id);
      case 'resources/templates/list':
        return none ? NO_RESOURCES : this.devices.resourceTemplates(userId, device?.id);
    }
  }

  #toolsRevision(userId: string, endpoint: MergedEndpoint, list: MergedList): string {
    return this.#fits(userId, endpoint) ? `${list.revision}+` : list.revision;
  }

  /** Whether the results of some server are made to fit clients, and may be cut with a way to read on. */
  #fits(userId: string, endpoint: MergedEndpoint): boolean {
    const present = devicesAt(this.devices, userId, endpoint);
    // The views of one device are an array made for this question.
    const key = endpoint.kind === 'aggregate' ? present : present[0];
    const known = key && this.#fitted.get(key);
    if (known !== undefined) return known;
    const fits = present.some(({ servers }) => servers.some(({ era, fit }) => era !== undefined && fit));
    if (key !== undefined) this.#fitted.set(key, fits);
    return fits;
  }

  #serversOwn(server: ServerView | undefined, kind: ListKind): string {
    if (server === undefined) return '';
    if (kind !== 'resources') return this.#digest(server[kind]);
    return `${this.#digest(server.resources)} ${this.#digest(server.resourceTemplates)}`;
  }

  #digest(entries: readonly Shape[]): string {
    const known = this.#own.get(entries);
    if (known !== undefined) return known;
    const digest = createHash('sha256').update(JSON.stringify(entries)).digest('base64url');
    this.#own.set(entries, digest);
    return digest;
  }
}

/** Memory of its own: a small buffer of Node's pool would keep the whole piece of the pool that it lies in. */
function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
