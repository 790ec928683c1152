import type { Logger } from '../../log/logger.js';
import { memberSpan, textAt } from '../../protocol/json-spans.js';
import type { ServerOffer } from '../../protocol/messages.js';
import { CatalogRefresh, readCatalog, sameCatalog } from './catalog.js';
import type { Clock } from './clock.js';
import type { Hello } from './handshake.js';
import type { ListKind } from './list-kinds.js';
import { isRecord } from './messages.js';
import type { ServerSession } from './server-session.js';

const RELIST_MS = 60_000;
/** A server that cannot announce changes is asked again for a tool it did not list, at most this often. */
const UNKNOWN_TOOL_MS = 5_000;

export interface ServerListsOptions {
  readonly logger: Logger;
  readonly clock: Clock;
  /** A new or changed offer, or none any more. */
  onOffer(offer: ServerOffer | undefined): void;
  /** Some lists have been read again, changed or not. */
  onRead(): void;
}

/** What one server offers, as its lists were last read. */
export class ServerLists {
  #offer: ServerOffer | undefined;
  #toolNames: ReadonlySet<unknown> = new Set();
  #refresh: CatalogRefresh | undefined;
  #readAt = 0;

  constructor(private readonly options: ServerListsOptions) {}

  get offer(): ServerOffer | undefined {
    return this.#offer;
  }

  get tools(): number {
    return this.#offer?.tools.length ?? 0;
  }

  /** Reads all lists; from here on they are read again as they change, until `stop`. @throws see readCatalog */
  async follow(session: ServerSession, hello: Hello, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.options;
    // Before the first list, so that a change announced while it is read is not missed.
    this.#refresh = new CatalogRefresh(clock, async (kinds) => {
      try {
        await this.#read(session, hello, AbortSignal.timeout(RELIST_MS), kinds);
        this.options.onRead();
      } catch (error) {
        // The old list stands until the next change, or until the server's end tells more.
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn('could not read a changed list', { reason });
      }
    });
    await this.#read(session, hello, signal);
  }

  changed(kind: ListKind): void {
    this.#refresh?.ask(kind);
  }

  stop(): void {
    this.#refresh?.stop();
  }

  /** There is nothing to offer. */
  drop(): void {
    this.#set(undefined);
  }

  lookForUnknownTool(method: string, params: Uint8Array): void {
    const tools = this.#offer?.capabilities.tools;
    if (method !== 'tools/call' || !isRecord(tools) || tools.listChanged === true) return;
    if (this.options.clock.now() - this.#readAt < UNKNOWN_TOOL_MS) return;
    const span = memberSpan(params, 0, params.length, 'name');
    const name = span && textAt(params, span);
    if (name === undefined || this.#toolNames.has(name)) return;
    this.#refresh?.ask('tools');
  }

  async #read(session: ServerSession, hello: Hello, signal: AbortSignal, kinds?: readonly ListKind[]): Promise<void> {
    const query = session.query.bind(session);
    const before = kinds && this.#offer;
    this.#set(await readCatalog(hello, query, this.options.logger, signal, before, kinds));
    this.#readAt = this.options.clock.now();
  }

  #set(offer: ServerOffer | undefined): void {
    if (sameCatalog(this.#offer, offer)) return;
    this.#offer = offer;
    this.#toolNames = new Set(offer?.tools.map(({ name }) => name));
    this.options.onOffer(offer);
  }
}
