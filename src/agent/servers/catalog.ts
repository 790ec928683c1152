import type { Logger } from '../../log/logger.js';
import type { ServerOffer } from '../../protocol/messages.js';
import { jsonLength } from './bounds.js';
import type { Clock } from './clock.js';
import type { Hello } from './handshake.js';
import { isRecord } from './messages.js';

const MAX_PAGES = 50;
const MAX_TOOLS = 5_000;
/** The relay closes the link over a larger catalog or a longer name: one server must not take the others with it. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
const NAME_CHARACTERS = 1024;
/** Servers often announce several changes in a row. */
const DEBOUNCE_MS = 200;

/** Asks one server a question; see `Session.query`. */
export type Query = (
  method: string,
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<unknown>;

/** All pages of every list the server offers. @throws what `query` throws */
export async function readCatalog(
  hello: Hello,
  query: Query,
  logger: Logger,
  signal: AbortSignal,
): Promise<ServerOffer> {
  const tools = hello.capabilities.tools === undefined ? [] : await readTools(query, logger, signal);
  return {
    ...hello,
    era: 'legacy',
    tools: fitting(tools, logger),
    prompts: [],
    resources: [],
    resourceTemplates: [],
    fit: true,
  };
}

/** The tools that the relay takes, in their order. */
function fitting(tools: readonly Record<string, unknown>[], logger: Logger): Record<string, unknown>[] {
  let characters = 0;
  const kept = tools.filter((tool) => {
    const length = String(tool.name).length > NAME_CHARACTERS ? undefined : jsonLength(tool);
    if (length === undefined || characters + length > MAX_CHARACTERS) return false;
    characters += length;
    return true;
  });
  if (kept.length < tools.length) {
    logger.warn(`left out ${tools.length - kept.length} tools: too large, nested too deep, or with too long a name`);
  }
  return kept;
}

async function readTools(query: Query, logger: Logger, signal: AbortSignal): Promise<Record<string, unknown>[]> {
  const tools: Record<string, unknown>[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const result = await query('tools/list', cursor === undefined ? {} : { cursor }, signal);
    const { tools: listed, nextCursor } = isRecord(result) ? result : {};
    if (!Array.isArray(listed)) throw new Error('tools/list failed: the answer has no "tools"');
    const named = listed.filter((tool) => isRecord(tool) && typeof tool.name === 'string');
    if (named.length < listed.length) logger.warn(`skipped ${listed.length - named.length} tools without a name`);
    tools.push(...named);
    // A cursor is opaque: the empty string is one, too (MCP 2025-11-25 server/utilities/pagination).
    if (typeof nextCursor !== 'string') return tools;
    if (tools.length >= MAX_TOOLS) break;
    cursor = nextCursor;
  }
  logger.warn(`offers more than ${MAX_PAGES} pages or ${MAX_TOOLS} tools; the rest is left out`);
  return tools.slice(0, MAX_TOOLS);
}

export function sameCatalog(one: ServerOffer | undefined, other: ServerOffer | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Reads the catalog again when asked: once for several askings in a row, never twice at a time. */
export class CatalogRefresh {
  #callOff: (() => void) | undefined;
  #running = false;
  #again = false;
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly read: () => Promise<void>,
  ) {}

  ask(): void {
    if (this.#stopped) return;
    if (this.#running) this.#again = true;
    else this.#callOff ??= this.clock.after(DEBOUNCE_MS, () => void this.#run());
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff?.();
  }

  async #run(): Promise<void> {
    this.#callOff = undefined;
    this.#running = true;
    await this.read();
    this.#running = false;
    if (!this.#again) return;
    this.#again = false;
    this.ask();
  }
}
