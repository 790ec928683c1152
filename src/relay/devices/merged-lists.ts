import type { Limits } from '../../config/config.js';
import { BUILT_IN_TOOLS } from '../../protocol/names.js';
import { exposeUri, ownUri, uriKey } from '../../protocol/uris.js';
import { digest, type ListKind } from './catalog.js';
import { type ListItem, type ListSource, NameTable, targetOf } from './name-table.js';
import type {
  ExposedPrompt,
  ExposedTool,
  MergedList,
  PromptList,
  PromptResolution,
  Resolution,
  ResourceList,
  ToolList,
  UriResolution,
} from './types.js';
import { keyOf, UriTable } from './uri-table.js';
import { couldMatch } from './uri-template.js';

/** Comparisons for one URI that no list has and no key leads. */
const MATCH_EFFORT = 2_000_000;

interface Tables {
  readonly tools?: Kept<{ readonly table: NameTable<ExposedTool>; readonly list: ToolList }>;
  readonly prompts?: Kept<{ readonly table: NameTable<ExposedPrompt>; readonly list: PromptList }>;
  readonly resources?: Kept<UriTable>;
  readonly resourceTemplates?: Kept<UriTable>;
}

interface Kept<T> {
  /** What it was made of. */
  readonly made: string;
  readonly value: T;
}

const KINDS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;

/**
 * Lists of the same devices: all of a user's, or one. Each is made when it is first asked for, and is the same object
 * until something in it changes.
 */
export class MergedLists {
  /** Made when asked for: while agents come one after the other, few ask. */
  #made: readonly ListSource[] | undefined;
  #tables: Tables = {};

  /**
   * @param sources of the devices as they are now
   * @param dropped told of each list that was handed out and is one of the past
   */
  constructor(
    private readonly sources: () => readonly ListSource[],
    private readonly limits: Limits,
    private readonly dropped: (list: MergedList) => void,
  ) {}

  /** The devices, or what they offer, may be different now: what was made of something else goes at once. */
  update(): void {
    this.#made = undefined;
    for (const kind of KINDS) {
      const kept = this.#tables[kind];
      if (kept === undefined || kept.made === madeOf(this.#sources, kind)) continue;
      this.#tables = { ...this.#tables, [kind]: undefined };
      this.dropped(kept.value.list);
    }
  }

  /** Forgets what was made. */
  drop(): void {
    const tables = this.#tables;
    this.#tables = {};
    for (const kind of KINDS) {
      const kept = tables[kind];
      if (kept !== undefined) this.dropped(kept.value.list);
    }
  }

  get #sources(): readonly ListSource[] {
    this.#made ??= this.sources();
    return this.#made;
  }

  get tools(): ToolList {
    return this.#tools.list;
  }

  get prompts(): PromptList {
    return this.#prompts.list;
  }

  get resources(): ResourceList {
    return this.#uris('resources').list;
  }

  get resourceTemplates(): ResourceList {
    return this.#uris('resourceTemplates').list;
  }

  resolveTool(name: string): Resolution {
    const resolved = this.#tools.table.resolve(name);
    return resolved.kind === 'found' ? { kind: 'found', tool: resolved.item } : resolved;
  }

  resolvePrompt(name: string): PromptResolution {
    const resolved = this.#prompts.table.resolve(name);
    return resolved.kind === 'found' ? { kind: 'found', prompt: resolved.item } : resolved;
  }

  /** See Devices.resolveUri. */
  resolveUri(exposed: string): UriResolution {
    const own = ownUri(exposed);
    if (own !== undefined) {
      for (const { userId, deviceId, deviceName, servers } of this.#sources) {
        const server = servers.find(({ view }) => uriKey(deviceName, view.name) === own.key)?.view.name;
        if (server !== undefined) {
          return { kind: 'found', target: { userId, deviceId, server }, uriKey: own.key, uri: own.uri };
        }
      }
    }
    // Without a key, or with what only looks like one: other schemes have dots and pluses too.
    const listed = [...this.#uris('resources').lists(exposed), ...this.#uris('resourceTemplates').lists(exposed)];
    return only(listed.length > 0 ? listed : this.#matching(exposed), exposed);
  }

  #matching(uri: string): ListItem[] {
    const effort = { left: MATCH_EFFORT };
    const matching: ListItem[] = [];
    for (const [template, items] of this.#uris('resourceTemplates').all) {
      if (couldMatch(template, uri, effort)) matching.push(...items);
    }
    // Unfinished: another server's may match as well.
    return effort.left < 0 ? [] : matching;
  }

  get #tools() {
    return this.#kept('tools', this.#tables.tools, () => {
      const { toolsPerUser: max } = this.limits;
      const expose = (item: ListItem, exposedName: string): ExposedTool => ({
        exposedName,
        target: targetOf(item),
        deviceName: item.source.deviceName,
        toolName: item.offered.key,
        tool: item.offered.entry,
        fit: item.server.view.fit,
      });
      const table = new NameTable(this.#sources, { kind: 'tools', taken: BUILT_IN_TOOLS, max, expose });
      return { table, list: { revision: table.revision, tools: table.items, omitted: table.omitted } };
    });
  }

  get #prompts() {
    return this.#kept('prompts', this.#tables.prompts, () => {
      const { promptsPerUser: max } = this.limits;
      const expose = (item: ListItem, exposedName: string): ExposedPrompt => ({
        exposedName,
        target: targetOf(item),
        deviceName: item.source.deviceName,
        promptName: item.offered.key,
        prompt: item.offered.entry,
      });
      const table = new NameTable(this.#sources, { kind: 'prompts', taken: [], max, expose });
      return { table, list: { revision: table.revision, prompts: table.items, omitted: table.omitted } };
    });
  }

  #uris(kind: 'resources' | 'resourceTemplates'): UriTable {
    const { resourcesPerUser: max } = this.limits;
    return this.#kept(kind, this.#tables[kind], () => new UriTable(this.#sources, kind, max));
  }

  #kept<T>(kind: ListKind, kept: Kept<T> | undefined, make: () => T): T {
    if (kept !== undefined) return kept.value;
    const value = make();
    this.#tables = { ...this.#tables, [kind]: { made: madeOf(this.#sources, kind), value } };
    return value;
  }
}

/** Everything a list depends on, in one word. */
function madeOf(sources: readonly ListSource[], kind: ListKind): string {
  return digest(
    kind,
    ...sources.flatMap(({ deviceId, deviceName, servers }) => [
      deviceId,
      deviceName,
      ...servers.flatMap(({ view, lists }) =>
        lists[kind].entries.length === 0 ? [] : [view.name, String(view.fit), lists[kind].digest],
      ),
    ]),
  );
}

/** A server that has several ways to the URI is one server. */
function only(items: readonly ListItem[], uri: string): UriResolution {
  const keys = new Map(items.map((item) => [keyOf(item), item]));
  const [first] = keys;
  if (first === undefined) return { kind: 'unknown' };
  if (keys.size === 1) return { kind: 'found', target: targetOf(first[1]), uriKey: first[0], uri };
  return { kind: 'ambiguous', candidates: [...keys.keys()].map((key) => exposeUri(key, uri)).sort() };
}
