import type { Logger } from '../../../log/logger.js';
import { restartDelay } from '../backoff.js';
import { type Clock, pause } from '../clock.js';
import { Deferred } from '../deferred.js';
import { changedList, LIST_KINDS, type ListKind } from '../list-kinds.js';
import { isRecord } from '../messages.js';
import type { ServerSessionEvents } from '../server-session.js';
import type { RequestContext, RequestOutcome } from '../types.js';

/** How long the first lists wait for the server to confirm that it will tell of changes. */
const ACKNOWLEDGED_MS = 2_000;
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

type Listen = (params: Readonly<Record<string, unknown>>, context: RequestContext) => Promise<RequestOutcome>;

/** The agent's own `subscriptions/listen` for changes of the lists: one at a time, opened again when it breaks. */
export class OwnListen {
  readonly #stop = new AbortController();
  readonly #settled = new Deferred<void>();
  readonly #kinds: readonly ListKind[];

  constructor(
    capabilities: Readonly<Record<string, unknown>>,
    private readonly events: ServerSessionEvents,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly listen: Listen,
  ) {
    this.#kinds = LIST_KINDS.filter((kind) => {
      const capability = capabilities[kind];
      return isRecord(capability) && capability.listChanged === true;
    });
  }

  /** Resolves once the server has answered, or does not. */
  async start(): Promise<void> {
    if (this.#kinds.length === 0) return;
    const answered = new AbortController();
    void this.#settled.promise.then(() => answered.abort());
    void this.#run();
    await pause(this.clock, ACKNOWLEDGED_MS, AbortSignal.any([this.#stop.signal, answered.signal]));
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const notifications = Object.fromEntries(this.#kinds.map((kind) => [`${kind}ListChanged`, true]));
    let failures = 0;
    let alive = true;
    const onNotification = (method: string, params: Readonly<Record<string, unknown>>) => {
      if (method === ACKNOWLEDGED) {
        failures = 0;
        alive = isRecord(params.notifications) && Object.keys(params.notifications).length > 0;
        // What changed while nobody listened was not told.
        if (this.#settled.settled) for (const kind of this.#kinds) this.events.onListChanged(kind);
        this.#settled.resolve();
        return;
      }
      const kind = changedList(method);
      if (kind) this.events.onListChanged(kind);
      this.events.onNotification(method, params);
    };
    while (alive && !signal.aborted) {
      const outcome = await this.listen({ notifications }, { signal, lasting: true, onNotification }).catch(
        () => undefined,
      );
      if (outcome?.kind === 'error') {
        this.logger.warn('tells of no changes of its lists: it refused subscriptions/listen');
        break;
      }
      this.#settled.resolve();
      failures += 1;
      // A little time even after the first end: a server that ends each at once must not keep us busy.
      if (alive) await pause(this.clock, 1_000 + restartDelay(failures, 0.5), signal);
    }
    this.#settled.resolve();
  }
}
