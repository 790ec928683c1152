import type { Clock } from './clock.js';
import { type RequestContext, type RequestOutcome, ServerError } from './types.js';

/** A server may still write of a request that was given up; for this long its log lines could be taken for another's. */
const AFTERMATH_MS = 60_000;

export interface PendingContext extends RequestContext {
  /** A client's request, not one of our own. */
  readonly forClient: boolean;
}

interface Pending {
  readonly context: PendingContext;
  sent: boolean;
  resolve(outcome: RequestOutcome): void;
  reject(error: unknown): void;
  /** Begins the request's time anew. */
  extend(): void;
  /** Ends its timer and its abort listener. */
  finish(): void;
}

/** The requests of one session that wait for an answer, each with its timer and its abort listener. */
export class PendingRequests {
  readonly #byId = new Map<number, Pending>();
  /** Requests given up, and until when they may still be heard of. */
  readonly #abandoned = new Map<number, number>();

  constructor(private readonly clock: Clock) {}

  /**
   * Waits for an answer until the signal aborts or, with a limit, until neither answer nor progress came for that long.
   * @param abandon called when the wait ends so; `sent` as told by `markSent`, which is false once nobody waits
   */
  add(
    id: number,
    context: PendingContext,
    timeoutMs: number | undefined,
    abandon: (reason: string, sent: boolean) => void,
  ): { readonly answer: Promise<RequestOutcome>; markSent(): boolean } {
    const { signal } = context;
    const giveUp = (reason: string, error: (sent: boolean) => unknown) => {
      const pending = this.#take(id);
      if (!pending) return;
      if (pending.sent) this.#abandoned.set(id, this.clock.now() + AFTERMATH_MS);
      pending.reject(error(pending.sent));
      abandon(reason, pending.sent);
    };
    const onAbort = () => giveUp('cancelled by the client', () => signal.reason);
    const timedOut = `the server gave no answer within ${(timeoutMs ?? 0) / 1000} s`;
    const onTimeout = () => giveUp('timed out', (sent) => new ServerError('timeout', timedOut, sent));
    const answer = new Promise<RequestOutcome>((resolve, reject) => {
      let callOff = () => {};
      const extend = () => {
        callOff();
        if (timeoutMs !== undefined) callOff = this.clock.after(timeoutMs, onTimeout);
      };
      const finish = () => {
        callOff();
        signal.removeEventListener('abort', onAbort);
      };
      this.#byId.set(id, { context, sent: false, resolve, reject, extend, finish });
      extend();
      signal.addEventListener('abort', onAbort);
    });
    const markSent = () => {
      const pending = this.#byId.get(id);
      if (pending) pending.sent = true;
      return pending !== undefined;
    };
    return { answer, markSent };
  }

  settle(id: number, outcome: RequestOutcome): void {
    this.#abandoned.delete(id);
    this.#take(id)?.resolve(outcome);
  }

  fail(id: number, error: (sent: boolean) => Error): void {
    const pending = this.#take(id);
    pending?.reject(error(pending.sent));
  }

  /** Everything in flight is lost, at once. */
  failAll(reason: string): void {
    for (const id of [...this.#byId.keys()]) {
      this.fail(id, (sent) => new ServerError(sent ? 'lost' : 'not_ready', reason, sent));
    }
  }

  /** `notifications/progress`: our token is the request's id. */
  progress(params: Readonly<Record<string, unknown>>): void {
    const { progressToken, ...rest } = params;
    const pending = typeof progressToken === 'number' ? this.#byId.get(progressToken) : undefined;
    if (!pending?.context.onProgress) return;
    pending.extend();
    pending.context.onProgress(rest);
  }

  /** `notifications/message` names no request: it is told only where it can be of one request alone. */
  log(params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    const owner = stream === undefined ? this.#onlyOne() : this.#byId.get(stream);
    owner?.context.onLog?.(params);
  }

  #onlyOne(): Pending | undefined {
    const now = this.clock.now();
    for (const [id, until] of this.#abandoned) if (until <= now) this.#abandoned.delete(id);
    const [only, ...others] = this.#byId.values();
    return only?.context.forClient && others.length === 0 && this.#abandoned.size === 0 ? only : undefined;
  }

  /** Whatever comes first ends the request: from here on nothing more is told of it. */
  #take(id: number): Pending | undefined {
    const pending = this.#byId.get(id);
    this.#byId.delete(id);
    pending?.finish();
    return pending;
  }
}
