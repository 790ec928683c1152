import { createHash } from 'node:crypto';
import { BUILT_IN_TOOLS, exposedNames } from '../../protocol/names.js';
import { digest, type OfferedTool, type ServerEntry } from './catalog.js';
import type { ExposedTool, Resolution, ToolList } from './types.js';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

export interface ToolSource {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly servers: Iterable<ServerEntry>;
}

interface Item {
  readonly source: ToolSource;
  readonly server: string;
  readonly offered: OfferedTool;
  readonly identity: string;
}

/** A user's merged tools, and the tables that lead from both forms of a name back to a tool. */
export class ToolTable {
  readonly list: ToolList;
  readonly #listed = new Map<string, ExposedTool>();
  /** The form that is not listed: device in front with one device, without it with several. */
  readonly #other = new Map<string, ExposedTool[]>();

  /** @param max tools listed; the rest is counted in `omitted` */
  constructor(sources: readonly ToolSource[], max: number) {
    const items = sources.flatMap(itemsOf);
    const many = sources.length > 1;
    const found = new Map<Item, ExposedTool>();
    const digests = new Map<string, string>();
    const listed = names(items, many);
    items.forEach((item, index) => {
      const exposedName = listed[index] as string;
      // Six characters of hash can meet; whoever came second is left out rather than answering for the other.
      if (digests.has(exposedName)) return;
      digests.set(exposedName, item.offered.digest);
      found.set(item, exposedTool(item, exposedName));
    });
    const sorted = [...found.values()].sort((a, b) => (a.exposedName < b.exposedName ? -1 : 1));
    const tools = sorted.slice(0, max);
    for (const tool of tools) this.#listed.set(tool.exposedName, tool);
    // Each device's short names are those it has when it is alone.
    const groups = many ? sources.map((source) => items.filter((item) => item.source === source)) : [items];
    for (const group of groups) this.#addOther(group, names(group, !many), found);
    this.list = {
      revision: digest(
        ...tools.flatMap((tool) => [tool.exposedName, tool.target.deviceId, digests.get(tool.exposedName) ?? '']),
      ),
      tools,
      omitted: items.length - tools.length,
    };
  }

  resolve(name: string): Resolution {
    const listed = this.#listed.get(name);
    if (listed !== undefined) return { kind: 'found', tool: listed };
    const others = this.#other.get(name) ?? [];
    const [only] = others;
    if (only === undefined) return { kind: 'unknown' };
    if (others.length === 1) return { kind: 'found', tool: only };
    return { kind: 'ambiguous', candidates: others.map((tool) => tool.exposedName).sort() };
  }

  #addOther(group: readonly Item[], forms: readonly string[], found: ReadonlyMap<Item, ExposedTool>): void {
    group.forEach((item, index) => {
      const tool = found.get(item);
      if (tool === undefined || this.#listed.get(tool.exposedName) !== tool) return;
      const form = forms[index] as string;
      const others = this.#other.get(form);
      if (others === undefined) this.#other.set(form, [tool]);
      else others.push(tool);
    });
  }
}

function itemsOf(source: ToolSource): Item[] {
  return [...source.servers].flatMap(({ view, tools }) =>
    tools.map((offered) => ({
      source,
      server: view.name,
      offered,
      identity: `${source.deviceId}\0${view.name}\0${offered.name}`,
    })),
  );
}

function names(items: readonly Item[], withDevice: boolean): string[] {
  const named = items.map(({ source, server, offered, identity }) => ({
    device: withDevice ? source.deviceName : undefined,
    server,
    name: offered.name,
    identity,
  }));
  return exposedNames(named, hashName, BUILT_IN_TOOLS);
}

function exposedTool(item: Item, exposedName: string): ExposedTool {
  const { source, server, offered } = item;
  return {
    exposedName,
    target: { userId: source.userId, deviceId: source.deviceId, server },
    deviceName: source.deviceName,
    toolName: offered.name,
    tool: offered.tool,
    fit: true,
  };
}

function hashName(identity: string): string {
  const hash = createHash('sha256').update(identity).digest();
  let text = '';
  for (const byte of hash.subarray(0, 6)) text += BASE32[byte & 31];
  return text;
}
