import type { CallClient } from '../../protocol/call-messages.js';
import type { ServerOffer } from '../../protocol/messages.js';
import type { CallSignal } from './call-signal.js';
import { ClientUnits } from './isolation.js';
import { type ServerHeld, sumOfHeld } from './server-memory.js';
import { ServerUnit, type ServerUnitOptions } from './server-unit.js';
import type { AskPolicy, RequestContext, RequestOutcome, ServerState } from './types.js';

const IDLE_SECONDS = 600;

/**
 * One entry of `servers` in the config. With `isolation: "client"` the server runs once more for each client session; the
 * first, which says what the server offers, then serves no client.
 */
export class ConfiguredServer {
  readonly #unit: ServerUnit;
  readonly #clients: ClientUnits | undefined;

  constructor(private readonly options: ServerUnitOptions) {
    const { name, config, clock, logger } = options;
    this.#unit = new ServerUnit(options);
    if (config.isolation !== 'client' || config.disabled) return;
    const events = {
      catalog: () => {},
      inputRead: () => options.events.inputRead?.(),
      state: ({ status, problem }: ServerState) => {
        if (status === 'failed') logger.warn(`failed for one client session: ${problem}`);
      },
    };
    const idleMs = (config.isolationIdleSeconds ?? IDLE_SECONDS) * 1000;
    const make = () => new ServerUnit({ ...options, events });
    this.#clients = new ClientUnits({ name, idleMs, clock, logger, make });
  }

  get policy(): AskPolicy {
    return this.options.policy;
  }

  get state(): ServerState {
    return this.#unit.state;
  }

  get catalog(): ServerOffer | undefined {
    return this.#unit.catalog;
  }

  get settled(): Promise<ServerState> {
    return this.#unit.settled;
  }

  start(): void {
    this.#unit.start();
  }

  /** @throws ServerError, or the signal's reason */
  request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    return this.#use(context.client, context.signal, (unit) => unit.request(method, params, context));
  }

  /** @throws ServerError */
  notify(method: string, params: Uint8Array, client: CallClient): Promise<void> {
    return this.#use(client, new AbortController().signal, (unit) => unit.notify(method, params, client));
  }

  endSession(session: string): void {
    this.#unit.endSession(session);
    this.#clients?.endSession(session);
  }

  get held(): ServerHeld {
    return this.#clients === undefined ? this.#unit.held : sumOfHeld([this.#unit.held, ...this.#clients.held()]);
  }

  /** Of the process that serves this session. */
  heldFor(session: string): ServerHeld {
    return this.#clients === undefined ? this.#unit.held : this.#clients.heldFor(session);
  }

  /** See LocalServers. */
  holdBack(held: boolean): void {
    this.#unit.holdBack(held);
    this.#clients?.holdBack(held);
  }

  /** All of it; the state is that of the first. */
  async restart(): Promise<ServerState> {
    const [state] = await Promise.all([this.#unit.restart(), this.#clients?.restart()]);
    return state;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#unit.stop(), this.#clients?.close()]);
  }

  #use<T>(client: CallClient | undefined, signal: CallSignal, work: (unit: ServerUnit) => Promise<T>): Promise<T> {
    return client && this.#clients ? this.#clients.use(client.session, signal, work) : work(this.#unit);
  }
}
