import type { Clock } from '../clock.js';
import { type RequestContext, type RequestOutcome, ServerError } from '../types.js';
import { type Candidate, isInteractive } from './attribution.js';

/** A server may still write of a request that was given up; for this long its log lines could be taken for another's. */
const AFTERMATH_MS = 60_000;

export interface PendingContext extends RequestContext {
  /** A client's request, not one of our own. */
  readonly forClient: boolean;
  readonly method: string;
  /** Of `tasks/result`: the task it waits for. */
  readonly taskId?: string | undefined;
}

interface Pending {
  readonly context: PendingContext;
  sent: boolean;
  resolve(outcome: RequestOutcome): void;
  reject(error: unknown): void;
  /** Begins the request's time anew, or stops it while a person is asked. */
  extend(): void;
  /** Questions of the server's that its answer waits for, each with what is to happen when the request ends first. */
  readonly questions: Set<() => void>;
  /** Ends its timer and its abort listener. */
  finish(): void;
}

/** The requests of one session that wait for an answer, each with its timer and its abort listener. */
export class PendingRequests {
  readonly #byId = new Map<number, Pending>();
  /** Requests given up, and until when they may still be heard of. */
  readonly #abandoned = new Map<number, { readonly until: number; readonly context: PendingContext }>();

  constructor(private readonly clock: Clock) {}

  /** Requests given up that may still be heard of; each is kept with all that is known of its client. */
  get remembered(): number {
    return this.#abandoned.size;
  }

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
      // Also here: a server that tells nothing of itself would never have them forgotten.
      this.#forgetOld();
      if (pending.sent) this.#abandoned.set(id, { until: this.clock.now() + AFTERMATH_MS, context });
      pending.reject(error(pending.sent));
      abandon(reason, pending.sent);
    };
    const onAbort = () => giveUp('cancelled by the client', () => signal.reason);
    const timedOut = `the server gave no answer within ${(timeoutMs ?? 0) / 1000} s`;
    const onTimeout = () => giveUp('timed out', (sent) => new ServerError('timeout', timedOut, sent));
    const answer = new Promise<RequestOutcome>((resolve, reject) => {
      let callOff = () => {};
      const questions = new Set<() => void>();
      const extend = () => {
        callOff();
        if (timeoutMs !== undefined && questions.size === 0) callOff = this.clock.after(timeoutMs, onTimeout);
      };
      const finish = () => {
        callOff();
        signal.removeEventListener('abort', onAbort);
        for (const over of questions) over();
      };
      this.#byId.set(id, { context, sent: false, resolve, reject, extend, questions, finish });
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

  /** What a question of the server's may be about, in the order of dispatch. */
  candidates(): Candidate[] {
    this.#forgetOld();
    const waiting = [...this.#byId].filter(([, { sent }]) => sent).map(([id, { context }]) => ({ id, context }));
    const given = [...this.#abandoned].map(([id, { context }]) => ({ id, context, abandoned: true }));
    return [...given, ...waiting].filter(({ context }) => context.forClient && isInteractive(context.method));
  }

  /**
   * A question is open on this request, whose time stands still meanwhile.
   * @param over called when the request ends first
   * @returns what tells that the question has its answer
   */
  hold(id: number, over: () => void): () => void {
    const pending = this.#byId.get(id);
    pending?.questions.add(over);
    pending?.extend();
    return () => {
      if (pending?.questions.delete(over) && this.#byId.get(id) === pending) pending.extend();
    };
  }

  /** See RequestContext. */
  room(id: number): Promise<void> | undefined {
    return this.#byId.get(id)?.context.room?.();
  }

  /** `notifications/progress`: our token is the request's id. */
  progress(params: Readonly<Record<string, unknown>>): void {
    const { progressToken, ...rest } = params;
    const pending = typeof progressToken === 'number' ? this.#byId.get(progressToken) : undefined;
    if (!pending?.context.onProgress) return;
    pending.extend();
    pending.context.onProgress(rest);
  }

  /** `notifications/message` names no request: it is told only where it can be of one request alone; false otherwise. */
  log(params: Readonly<Record<string, unknown>>, stream: number | undefined): boolean {
    const owner = this.#owner(stream);
    owner?.onLog?.(params);
    return owner !== undefined;
  }

  /** Any other notification that names no request; false where it may be of several, or of none. */
  notification(method: string, params: Readonly<Record<string, unknown>>, stream: number | undefined): boolean {
    const owner = this.#owner(stream);
    owner?.onNotification?.(method, params);
    return owner?.onNotification !== undefined;
  }

  /** The client's request that surely is meant: that of the stream, or else the only one there is. */
  #owner(stream: number | undefined): PendingContext | undefined {
    const owner = stream === undefined ? this.#onlyOne() : this.#byId.get(stream);
    return owner?.context.forClient ? owner.context : undefined;
  }

  #forgetOld(): void {
    const now = this.clock.now();
    // The oldest come first.
    for (const [id, { until }] of this.#abandoned) {
      if (until > now) return;
      this.#abandoned.delete(id);
    }
  }

  #onlyOne(): Pending | undefined {
    this.#forgetOld();
    // Of a question about the log itself there is nothing to log.
    const talking = [...this.#byId.values()].filter(({ context }) => context.method !== 'logging/setLevel');
    const [only, ...others] = talking;
    return others.length === 0 && this.#abandoned.size === 0 ? only : undefined;
  }

  /** Whatever comes first ends the request: from here on nothing more is told of it. */
  #take(id: number): Pending | undefined {
    const pending = this.#byId.get(id);
    this.#byId.delete(id);
    pending?.finish();
    return pending;
  }
}
