import type { Clock } from './clock.js';
import { type RequestContext, type RequestOutcome, ServerError } from './types.js';

/** A server may still write of a request that was given up; for this long its log lines could be taken for another's. */
const AFTERMATH_MS = 60_000;
/** Requests given up that are remembered one by one; of those before them is only known that there were some. */
const MAX_ABANDONED = 1024;
const GIVEN_UP = AbortSignal.abort();
const OF_ANYBODY: PendingContext = { signal: GIVEN_UP, forClient: true, method: 'tools/call' };

export interface PendingContext extends RequestContext {
  /** A client's request, not one of our own. */
  readonly forClient: boolean;
  readonly method: string;
  /** Of `tasks/result`: the task it waits for. */
  readonly taskId?: string | undefined;
}

/** A request that has been sent. */
export interface SentRequest {
  readonly id: number;
  readonly context: PendingContext;
  /** Given up, but the server may not know yet. */
  readonly abandoned?: boolean;
}

/** @param sent as told by `markSent` */
export type Abandon = (reason: string, sent: boolean) => void;

/** The requests of one session that wait for an answer, each with its timer and its abort listener. */
export class PendingRequests {
  readonly #byId = new Map<number, Pending>();
  /** Requests given up, and until when they may still be heard of. */
  readonly #abandoned = new Map<number, { readonly until: number; readonly context: PendingContext }>();

  /** Until then the server may be heard of requests that are not remembered any more. */
  #unknownUntil = 0;

  constructor(private readonly clock: Clock) {}

  /** Requests given up that may still be heard of. */
  get remembered(): number {
    return this.#abandoned.size;
  }

  /**
   * Waits for an answer until the signal aborts or, with a limit, until neither answer nor progress came for that long.
   * @param abandon called when the wait ends so
   */
  add(id: number, context: PendingContext, timeoutMs: number | undefined, abandon: Abandon): Promise<RequestOutcome> {
    return new Promise((resolve, reject) => {
      const giveUp: GiveUp = (reason, error) => {
        const pending = this.#take(id);
        if (!pending) return;
        // Also here: a server that tells nothing of itself would never have them forgotten.
        this.#forgetOld();
        if (pending.sent) this.#remember(id, context);
        reject(error(pending.sent));
        abandon(reason, pending.sent);
      };
      this.#byId.set(id, new Pending(context, timeoutMs, this.clock, resolve, reject, giveUp));
    });
  }

  /** It is being sent. False once nobody waits. */
  markSent(id: number): boolean {
    const pending = this.#byId.get(id);
    if (pending) pending.sent = true;
    return pending !== undefined;
  }

  settle(id: number, outcome: RequestOutcome): void {
    if (this.#abandoned.size > 0) this.#abandoned.delete(id);
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

  /** What has been sent, in the order of dispatch; those given up come first. */
  sent(): SentRequest[] {
    this.#forgetOld();
    const waiting = [...this.#byId].filter(([, { sent }]) => sent).map(([id, { context }]) => ({ id, context }));
    const given = [...this.#abandoned].map(([id, { context }]) => ({ id, context, abandoned: true }));
    const unknown = this.#anyUnknown() ? [{ id: 0, context: OF_ANYBODY, abandoned: true }] : [];
    return [...unknown, ...given, ...waiting];
  }

  /**
   * A question is open on this request, whose time stands still meanwhile.
   * @param over called when the request ends first
   * @returns what tells that the question has its answer
   */
  hold(id: number, over: () => void): () => void {
    const pending = this.#byId.get(id);
    pending?.hold(over);
    return () => {
      if (pending?.release(over) && this.#byId.get(id) === pending) pending.extend();
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

  /** Of the request only that is kept which tells whose it was. */
  #remember(id: number, { client, forClient, method, taskId }: PendingContext): void {
    const whose = client && { ...client, capabilities: {}, info: {} };
    const context = { signal: GIVEN_UP, client: whose, forClient, method, taskId };
    this.#abandoned.set(id, { until: this.clock.now() + AFTERMATH_MS, context });
    if (this.#abandoned.size <= MAX_ABANDONED) return;
    const [oldest] = this.#abandoned;
    if (oldest === undefined) return;
    this.#abandoned.delete(oldest[0]);
    this.#unknownUntil = oldest[1].until;
  }

  #anyUnknown(): boolean {
    return this.#unknownUntil > 0 && this.#unknownUntil > this.clock.now();
  }

  #forgetOld(): void {
    if (this.#abandoned.size === 0) return;
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
    return others.length === 0 && this.#abandoned.size === 0 && !this.#anyUnknown() ? only : undefined;
  }

  /** Whatever comes first ends the request: from here on nothing more is told of it. */
  #take(id: number): Pending | undefined {
    const pending = this.#byId.get(id);
    if (pending === undefined) return undefined;
    this.#byId.delete(id);
    pending.finish();
    return pending;
  }
}

type GiveUp = (reason: string, error: (sent: boolean) => unknown) => void;

/** One request that waits. A class, and its parts made when they are needed, since a busy session makes thousands a second. */
class Pending {
  sent = false;
  #callOff: (() => void) | undefined;
  /** Questions of the server's that its answer waits for, each with what is to happen when the request ends first. */
  #questions: Set<() => void> | undefined;

  constructor(
    readonly context: PendingContext,
    private readonly timeoutMs: number | undefined,
    private readonly clock: Clock,
    readonly resolve: (outcome: RequestOutcome) => void,
    readonly reject: (error: unknown) => void,
    private readonly giveUp: GiveUp,
  ) {
    this.extend();
    context.signal.addEventListener('abort', this.#onAbort);
  }

  /** Begins the request's time anew, or stops it while a person is asked. */
  extend(): void {
    if (this.timeoutMs === undefined) return;
    this.#callOff?.();
    const asked = this.#questions !== undefined && this.#questions.size > 0;
    this.#callOff = asked ? undefined : this.clock.after(this.timeoutMs, this.#onTimeout);
  }

  hold(over: () => void): void {
    this.#questions ??= new Set();
    this.#questions.add(over);
    this.extend();
  }

  /** @returns whether it was held by this */
  release(over: () => void): boolean {
    return this.#questions?.delete(over) ?? false;
  }

  /** Ends its timer and its abort listener. */
  finish(): void {
    this.#callOff?.();
    this.context.signal.removeEventListener('abort', this.#onAbort);
    for (const over of this.#questions ?? []) over();
  }

  readonly #onAbort = (): void => this.giveUp('cancelled by the client', () => this.context.signal.reason);

  readonly #onTimeout = (): void => {
    const problem = `the server gave no answer within ${(this.timeoutMs ?? 0) / 1000} s`;
    this.giveUp('timed out', (sent) => new ServerError('timeout', problem, sent));
  };
}
