import { createHash } from 'node:crypto';
import { type ClientProfile, profileOf } from '../../../protocol/client-profiles.js';
import type { Devices, PromptList, ResourceList, ServerView, ToolList } from '../../devices/types.js';
import { ownMembers } from '../answers/relay-info.js';
import type { Caller } from '../caller.js';
import { builtInTools } from '../calls/built-in-tools.js';
import type { Endpoint, ServerEndpoint } from '../endpoint.js';
import type { Shape } from '../json-rpc.js';
import { devicesAt, serverAt } from '../scope.js';
import { fitTool } from './fit-tool.js';
import type { ListCursors } from './list-cursor.js';
import { shapePrompt, shapeResource, shapeTool } from './list-shape.js';

/** An endpoint that shows several servers under names of ours. */
export type MergedEndpoint = Exclude<Endpoint, ServerEndpoint>;

export type ListMethod = 'tools/list' | 'prompts/list' | 'resources/list' | 'resources/templates/list';

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

/** A list as one kind of client sees it: JSON text of each entry, and the pages that have been asked for. */
interface Rendered {
  readonly entries: readonly string[];
  readonly pages: Map<number, Buffer>;
}

type AnyList = ToolList | PromptList | ResourceList;

const NO_TOOLS: ToolList = { revision: '', tools: [], omitted: 0 };
const NO_PROMPTS: PromptList = { revision: '', prompts: [], omitted: 0 };
const NO_RESOURCES: ResourceList = { revision: '', resources: [], omitted: 0 };

/** Results of the list methods at merged endpoints. Each is rendered once for as long as what it shows stands. */
export class Lists {
  readonly #rendered = new WeakMap<AnyList, Map<string, Rendered>>();
  /** Revisions of a transparent endpoint's lists. */
  readonly #own = new WeakMap<readonly Shape[], string>();

  constructor(
    private readonly devices: Devices,
    private readonly cursors: ListCursors,
    private readonly settings: { readonly pageSize: number; readonly version: string },
  ) {}

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
   * @returns JSON text of the result, and the list's revision; undefined for a cursor that is forged, another user's,
   * or of a list that has changed
   */
  page(
    caller: Caller,
    method: ListMethod,
    cursor: string | undefined,
  ): { readonly json: Buffer; readonly revision: string } | undefined {
    const { userId, endpoint, client } = caller;
    if (endpoint.kind === 'server') return undefined;
    const list = this.#list(userId, endpoint, method);
    const rendered = this.#render(list, method, caller, endpoint);
    const revision = method === 'tools/list' ? this.#toolsRevision(userId, endpoint, list) : list.revision;
    const name = `${method} ${revision}`;
    const offset = cursor === undefined ? 0 : this.cursors.read(cursor, userId, name);
    if (offset === undefined) return undefined;
    const known = rendered.pages.get(offset);
    if (known !== undefined) return { json: known, revision };
    const end = offset + this.settings.pageSize;
    const next = end < rendered.entries.length ? this.cursors.make(userId, name, end) : undefined;
    const own = ownMembers(client.era, this.settings.version, client.protocolVersion);
    const members = [
      // Of one user, and true only now: nothing tells a client's cache of a change it has not asked for.
      ...(client.era === 'modern' ? [own, '"ttlMs":0', '"cacheScope":"private"'] : []),
      `"${MEMBERS[method]}":[${rendered.entries.slice(offset, end).join(',')}]`,
      ...(next === undefined ? [] : [`"nextCursor":${JSON.stringify(next)}`]),
    ];
    const json = Buffer.from(`{${members.join(',')}}`);
    rendered.pages.set(offset, json);
    return { json, revision };
  }

  #list(userId: string, endpoint: MergedEndpoint, method: 'tools/list'): ToolList;
  #list(userId: string, endpoint: MergedEndpoint, method: ListMethod): AnyList;
  #list(userId: string, endpoint: MergedEndpoint, method: ListMethod): AnyList {
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

  #render(list: AnyList, method: ListMethod, { userId, client }: Caller, endpoint: MergedEndpoint): Rendered {
    const profile = method === 'tools/list' ? profileOf(client) : undefined;
    // Where nothing is ever cut there is nothing to read on.
    const readMore = profile?.resultCharacters !== undefined && this.#fits(userId, endpoint);
    const kind = `${method} ${client.protocolVersion} ${profile?.name ?? ''} ${readMore}`;
    const kinds = this.#rendered.get(list) ?? new Map<string, Rendered>();
    this.#rendered.set(list, kinds);
    const known = kinds.get(kind);
    if (known !== undefined) return known;
    const entries = shapes(list, method, client.protocolVersion, profile);
    const all = method === 'tools/list' ? [...builtInTools(client.protocolVersion, readMore), ...entries] : entries;
    const rendered = { entries: all.map((entry) => JSON.stringify(entry)), pages: new Map<number, Buffer>() };
    kinds.set(kind, rendered);
    return rendered;
  }

  #toolsRevision(userId: string, endpoint: MergedEndpoint, list: AnyList): string {
    return this.#fits(userId, endpoint) ? `${list.revision}+` : list.revision;
  }

  /** Whether the results of some server are made to fit clients, and may be cut with a way to read on. */
  #fits(userId: string, endpoint: MergedEndpoint): boolean {
    const present = devicesAt(this.devices, userId, endpoint);
    return present.some(({ servers }) => servers.some(({ era, fit }) => era !== undefined && fit));
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

function shapes(list: AnyList, method: ListMethod, version: string, profile: ClientProfile | undefined): Shape[] {
  if ('tools' in list) {
    return list.tools.map((tool) => {
      const shaped = shapeTool(tool, version);
      return tool.fit ? fitTool(shaped, profile) : shaped;
    });
  }
  if ('prompts' in list) return list.prompts.map((prompt) => shapePrompt(prompt, version));
  const member = method === 'resources/list' ? 'uri' : 'uriTemplate';
  return list.resources.map((resource) => shapeResource(resource, version, member));
}
