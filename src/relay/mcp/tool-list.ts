import { createHash } from 'node:crypto';
import type { Devices, ToolList } from '../devices/types.js';
import { builtInTools } from './built-in-tools.js';
import type { Endpoint, ServerEndpoint } from './endpoint.js';
import type { Shape } from './json-rpc.js';
import type { ListCursors } from './list-cursor.js';
import type { LegacyVersion } from './protocol-versions.js';
import { devicesAt, serverAt } from './scope.js';
import { shapeTool } from './tool-shape.js';

/** A list as one protocol version sees it: JSON text of each tool, and the pages that have been asked for. */
interface Rendered {
  readonly revision: string;
  readonly tools: readonly string[];
  readonly pages: Map<number, Buffer>;
}

const NO_TOOLS: ToolList = { revision: '', tools: [], omitted: 0 };
const NONE: readonly Shape[] = [];

/** Results of tools/list at every endpoint. Each is rendered once for as long as what it shows stands. */
export class ToolLists {
  readonly #merged = new WeakMap<ToolList, Map<LegacyVersion, Rendered>>();
  readonly #own = new WeakMap<readonly Shape[], Rendered>();

  constructor(
    private readonly devices: Devices,
    private readonly cursors: ListCursors,
    private readonly pageSize: number,
  ) {}

  /** False for the endpoint of a server that is known to have no tools at all. */
  hasTools(userId: string, endpoint: Endpoint): boolean {
    const found = endpoint.kind === 'server' ? serverAt(this.devices, userId, endpoint) : undefined;
    return found?.server.capabilities === undefined || found.server.capabilities.tools !== undefined;
  }

  /** Changes exactly when what this endpoint lists changes. */
  revision(userId: string, endpoint: Endpoint): string {
    if (endpoint.kind === 'server') return this.#serversOwn(this.#tools(userId, endpoint)).revision;
    return this.#list(userId, endpoint).revision;
  }

  /**
   * @returns JSON text of the result, and the revision it shows; undefined for a cursor that is forged, another
   * user's, or of a list that has changed
   */
  page(
    userId: string,
    endpoint: Endpoint,
    version: LegacyVersion,
    cursor: string | undefined,
  ): { readonly json: Buffer; readonly revision: string } | undefined {
    const rendered =
      endpoint.kind === 'server'
        ? this.#serversOwn(this.#tools(userId, endpoint))
        : this.#render(this.#list(userId, endpoint), version);
    const { revision } = rendered;
    const offset = cursor === undefined ? 0 : this.cursors.read(cursor, userId, revision);
    if (offset === undefined) return undefined;
    const known = rendered.pages.get(offset);
    if (known !== undefined) return { json: known, revision };
    const end = offset + this.pageSize;
    const next = end < rendered.tools.length ? this.cursors.make(userId, revision, end) : undefined;
    const more = next === undefined ? '' : `,"nextCursor":${JSON.stringify(next)}`;
    const json = Buffer.from(`{"tools":[${rendered.tools.slice(offset, end).join(',')}]${more}}`);
    rendered.pages.set(offset, json);
    return { json, revision };
  }

  #list(userId: string, endpoint: Exclude<Endpoint, { readonly kind: 'server' }>): ToolList {
    if (endpoint.kind === 'aggregate') return this.devices.tools(userId);
    const [device] = devicesAt(this.devices, userId, endpoint);
    return device === undefined ? NO_TOOLS : this.devices.tools(userId, device.id);
  }

  #tools(userId: string, endpoint: ServerEndpoint): readonly Shape[] {
    return serverAt(this.devices, userId, endpoint)?.server.tools ?? NONE;
  }

  #render(list: ToolList, version: LegacyVersion): Rendered {
    const versions = this.#merged.get(list) ?? new Map<LegacyVersion, Rendered>();
    this.#merged.set(list, versions);
    const known = versions.get(version);
    if (known !== undefined) return known;
    const shaped = [...builtInTools(version), ...list.tools.map((tool) => shapeTool(tool, version))];
    const tools = shaped.map((tool) => JSON.stringify(tool));
    const rendered = { revision: list.revision, tools, pages: new Map<number, Buffer>() };
    versions.set(version, rendered);
    return rendered;
  }

  /** All that the server sent, for every version, but for what says how a tool takes tasks, which are not carried. */
  #serversOwn(offered: readonly Shape[]): Rendered {
    const known = this.#own.get(offered);
    if (known !== undefined) return known;
    const tools = offered.map(({ execution: _tasksAreNotCarried, ...tool }) => JSON.stringify(tool));
    const revision = createHash('sha256').update(tools.join('\n')).digest('base64url');
    const rendered = { revision, tools, pages: new Map<number, Buffer>() };
    this.#own.set(offered, rendered);
    return rendered;
  }
}
