import type { CallClient } from '../../protocol/call-messages.js';
import type { ServerOffer } from '../../protocol/messages.js';
import { untilAborted } from './deferred.js';
import { LegacyListens } from './legacy/legacy-listens.js';
import { LocalServer, type LocalServerOptions } from './local-server.js';
import { LISTEN } from './modern/subscriber.js';
import { type ServerHeld, ServerMemory } from './server-memory.js';
import type { Transport } from './transport.js';
import type { RequestContext, RequestOutcome, ServerState } from './types.js';

export interface ServerUnitOptions extends Omit<LocalServerOptions, 'watch' | 'connect'> {
  /** A fresh way to the server; over HTTP each era has its own. */
  connect(era: 'legacy' | 'modern', memory: ServerMemory): Promise<Transport>;
}

/** One running server and who listens to it. */
export class ServerUnit {
  readonly #server: LocalServer;
  readonly #listens: LegacyListens;
  readonly #memory: ServerMemory;

  constructor(options: ServerUnitOptions) {
    const { clock, events } = options;
    const listens = new LegacyListens(clock);
    this.#listens = listens;
    this.#memory = new ServerMemory(() => events.inputRead?.());
    this.#server = new LocalServer({
      ...options,
      watch: listens,
      connect: (era) => options.connect(era, this.#memory),
      events: {
        state: (state) => events.state(state),
        catalog: (server, catalog) => {
          if (catalog) listens.offered(catalog);
          events.catalog(server, catalog);
        },
      },
    });
  }

  get state(): ServerState {
    return this.#server.state;
  }

  get catalog(): ServerOffer | undefined {
    return this.#server.catalog;
  }

  /** See LocalServer. */
  get settled(): Promise<ServerState> {
    return this.#server.settled;
  }

  start(): void {
    this.#server.start();
  }

  restart(): Promise<ServerState> {
    return this.#server.restart();
  }

  /** @throws ServerError, or the signal's reason */
  request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    if (method === LISTEN) return this.#listen(params, context);
    if (context.client) this.#listens.serve(context.client);
    return this.#server.request(method, params, context);
  }

  async #listen(params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    // One that comes while the server starts is early, not wrong.
    await untilAborted(this.#server.settled, context.signal);
    return this.#listens.active ? this.#listens.listen(params, context) : this.#server.request(LISTEN, params, context);
  }

  /** @throws ServerError */
  async notify(method: string, params: Uint8Array, client: CallClient): Promise<void> {
    this.#listens.serve(client);
    await this.#server.notify(method, params);
  }

  get held(): ServerHeld {
    return this.#memory;
  }

  /** See LocalServers. */
  holdBack(held: boolean): void {
    this.#server.holdBack(held);
  }

  endSession(session: string): void {
    this.#listens.endSession(session);
  }

  /** Ends the listens well, then the server. */
  async stop(): Promise<void> {
    this.#listens.close();
    await this.#server.stop();
  }
}
