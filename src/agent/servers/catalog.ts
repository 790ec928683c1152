import type { Logger } from '../../log/logger.js';
import type { Entry, ServerOffer } from '../../protocol/messages.js';
import { jsonBytes } from './bounds.js';
import type { Clock } from './clock.js';
import type { Hello } from './handshake.js';
import { LIST_KINDS, type ListKind } from './list-kinds.js';
import { isRecord } from './messages.js';
import { QueryError } from './server-session.js';

const MAX_PAGES = 50;
const MAX_ENTRIES = 5_000;
const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;
/** Servers often announce several changes in a row. */
const DEBOUNCE_MS = 200;

/** Asks one server a question; see `Session.query`. */
export type Query = (
  method: string,
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<unknown>;

/** One list of a server's, and how much of it the relay is told. */
interface ListOf {
  readonly method: string;
  readonly member: 'tools' | 'prompts' | 'resources' | 'resourceTemplates';
  /** What every entry has, and how long it may be. */
  readonly key: string;
  readonly keyCharacters: number;
  readonly maxBytes: number;
}

const MIB = 1024 * 1024;
/** The relay closes the link over a larger catalog or a longer name: one server must not take the others with it. */
const LISTS: Readonly<Record<ListKind, readonly ListOf[]>> = {
  tools: [{ method: 'tools/list', member: 'tools', key: 'name', keyCharacters: 1024, maxBytes: 4 * MIB }],
  prompts: [{ method: 'prompts/list', member: 'prompts', key: 'name', keyCharacters: 1024, maxBytes: MIB }],
  resources: [
    { method: 'resources/list', member: 'resources', key: 'uri', keyCharacters: 8192, maxBytes: 2 * MIB },
    {
      method: 'resources/templates/list',
      member: 'resourceTemplates',
      key: 'uriTemplate',
      keyCharacters: 8192,
      maxBytes: MIB,
    },
  ],
};

/**
 * All pages of every list the server has the capability for.
 * @param before what is known already: then only `kinds` are read anew
 * @throws what `query` throws for its tools, and when the server is gone
 */
export async function readCatalog(
  hello: Hello,
  query: Query,
  logger: Logger,
  signal: AbortSignal,
  before?: ServerOffer,
  kinds: readonly ListKind[] = LIST_KINDS,
): Promise<ServerOffer> {
  const lists = { tools: [], prompts: [], resources: [], resourceTemplates: [], ...picked(before) };
  for (const list of kinds.filter((kind) => hello.capabilities[kind] !== undefined).flatMap((kind) => LISTS[kind])) {
    try {
      lists[list.member] = fitting(list, await readList(list, query, logger, signal), logger);
    } catch (error) {
      if (list.member === 'tools' || !(error instanceof QueryError)) throw error;
      // Many servers with resources have no templates, and do not say so before they are asked.
      if (error.error.code !== METHOD_NOT_FOUND) logger.warn('could not read a list', { reason: error.message });
    }
  }
  return { ...hello, ...lists, fit: true };
}

function picked(offer: ServerOffer | undefined): Partial<Record<ListOf['member'], readonly Entry[]>> {
  if (!offer) return {};
  const { tools, prompts, resources, resourceTemplates } = offer;
  return { tools, prompts, resources, resourceTemplates };
}

/** The entries that the relay takes, in their order. */
function fitting(list: ListOf, entries: readonly Entry[], logger: Logger): readonly Entry[] {
  let bytes = 0;
  const kept = entries.filter((entry) => {
    const size = String(entry[list.key]).length > list.keyCharacters ? undefined : jsonBytes(entry);
    if (size === undefined || bytes + size > list.maxBytes) return false;
    bytes += size;
    return true;
  });
  const left = entries.length - kept.length;
  if (left > 0) logger.warn(`left out ${left} of ${list.method}: too large, nested too deep, or with too long a name`);
  return kept;
}

async function readList(list: ListOf, query: Query, logger: Logger, signal: AbortSignal): Promise<Entry[]> {
  const { method, member, key } = list;
  const entries: Entry[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const result = await query(method, cursor === undefined ? {} : { cursor }, signal);
    const { [member]: listed, nextCursor } = isRecord(result) ? result : {};
    if (!Array.isArray(listed)) {
      throw new QueryError(method, { code: INTERNAL_ERROR, message: `the answer has no "${member}"` });
    }
    const named = listed.filter((entry) => isRecord(entry) && typeof entry[key] === 'string');
    if (named.length < listed.length)
      logger.warn(`skipped ${listed.length - named.length} of ${method} without "${key}"`);
    entries.push(...named);
    // A cursor is opaque: the empty string is one, too (MCP 2025-11-25 server/utilities/pagination).
    if (typeof nextCursor !== 'string') return entries;
    if (entries.length >= MAX_ENTRIES) break;
    cursor = nextCursor;
  }
  logger.warn(`offers more than ${MAX_PAGES} pages or ${MAX_ENTRIES} entries in ${method}; the rest is left out`);
  return entries.slice(0, MAX_ENTRIES);
}

export function sameCatalog(one: ServerOffer | undefined, other: ServerOffer | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Reads lists again when asked: once for several askings in a row, never twice at a time. */
export class CatalogRefresh {
  #kinds = new Set<ListKind>();
  #callOff: (() => void) | undefined;
  #running = false;
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly read: (kinds: readonly ListKind[]) => Promise<void>,
  ) {}

  ask(kind: ListKind): void {
    if (this.#stopped) return;
    this.#kinds.add(kind);
    if (!this.#running) this.#callOff ??= this.clock.after(DEBOUNCE_MS, () => void this.#run());
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff?.();
  }

  async #run(): Promise<void> {
    const kinds = [...this.#kinds];
    this.#kinds.clear();
    this.#callOff = undefined;
    this.#running = true;
    await this.read(kinds);
    this.#running = false;
    for (const kind of this.#kinds) this.ask(kind);
  }
}
