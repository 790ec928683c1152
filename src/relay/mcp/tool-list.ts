import type { ToolList } from '../devices/types.js';
import { builtInTools } from './built-in-tools.js';
import type { ListCursors } from './list-cursor.js';
import type { LegacyVersion } from './protocol-versions.js';
import { shapeTool } from './tool-shape.js';

/** The list as one protocol version sees it: JSON text of each tool, and the pages that have been asked for. */
interface Rendered {
  readonly tools: readonly string[];
  readonly pages: Map<number, Buffer>;
}

/** Results of tools/list. Each is rendered once for as long as a user's list stands. */
export class ToolLists {
  readonly #rendered = new WeakMap<ToolList, Map<LegacyVersion, Rendered>>();

  constructor(
    private readonly cursors: ListCursors,
    private readonly pageSize: number,
  ) {}

  /** @returns JSON text of the result, or undefined for a cursor that is forged, another user's, or of a list that has changed */
  page(userId: string, list: ToolList, version: LegacyVersion, cursor: string | undefined): Buffer | undefined {
    const offset = cursor === undefined ? 0 : this.cursors.read(cursor, userId, list.revision);
    if (offset === undefined) return undefined;
    const rendered = this.#render(list, version);
    const known = rendered.pages.get(offset);
    if (known !== undefined) return known;
    const end = offset + this.pageSize;
    const next = end < rendered.tools.length ? this.cursors.make(userId, list.revision, end) : undefined;
    const more = next === undefined ? '' : `,"nextCursor":${JSON.stringify(next)}`;
    const page = Buffer.from(`{"tools":[${rendered.tools.slice(offset, end).join(',')}]${more}}`);
    rendered.pages.set(offset, page);
    return page;
  }

  #render(list: ToolList, version: LegacyVersion): Rendered {
    const versions = this.#rendered.get(list) ?? new Map<LegacyVersion, Rendered>();
    this.#rendered.set(list, versions);
    const known = versions.get(version);
    if (known !== undefined) return known;
    const tools = [...builtInTools(version), ...list.tools.map((tool) => shapeTool(tool, version))];
    const rendered = { tools: tools.map((tool) => JSON.stringify(tool)), pages: new Map<number, Buffer>() };
    versions.set(version, rendered);
    return rendered;
  }
}
