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

/** Every key by itself: `{ ...context, method }` takes V8 a kilobyte, and is made for each call. */
export function pendingContext(
  { signal, onProgress, onLog, client, logLevel, onAsk, onNotification, room, lasting }: RequestContext,
  { forClient, method, taskId }: Pick<PendingContext, 'forClient' | 'method' | 'taskId'>,
): PendingContext {
  const whole: { readonly [Key in keyof Required<PendingContext>]: PendingContext[Key] } = {
    signal,
    onProgress,
    onLog,
    client,
    logLevel,
    onAsk,
    onNotification,
    room,
    lasting,
    forClient,
    method,
    taskId,
  };
  return whole;
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

  /** @param answered a request has ended, and not by being given up */
  constructor(
    private readonly clock: Clock,
    private readonly answered: (id: number) => void = () => {},
  ) {}

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
      const wait = { id, context, sent: false, resolve, reject, abandon };
      this.#byId.set(id, new Pending(wait, timeoutMs, this.clock, this.#giveUp));
    });
  }

  readonly #giveUp: GiveUp = ({ id, context, reject, abandon }, reason, error) => {
    const wait = this.#take(id);
    if (!wait) return;
    // Also here: a server that tells nothing of itself would never have them forgotten.
    this.#forgetOld();
    if (wait.sent) this.#remember(id, context);
    reject(error(wait.sent));
    abandon(reason, wait.sent);
  };

  /** It is being sent. False once nobody waits. */
  markSent(id: number): boolean {
    const pending = this.#byId.get(id);
    if (pending) pending.wait.sent = true;
    return pending !== undefined;
  }

  /** Of a request that waits. */
  contextOf(id: number): PendingContext | undefined {
    return this.#byId.get(id)?.wait.context;
  }

  settle(id: number, outcome: RequestOutcome): void {
    if (this.#abandoned.size > 0) this.#abandoned.delete(id);
    const wait = this.#take(id);
    wait?.resolve(outcome);
    if (wait) this.answered(id);
  }

  fail(id: number, error: (sent: boolean) => Error): void {
    const wait = this.#take(id);
    wait?.reject(error(wait.sent));
    if (wait) this.answered(id);
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
    const waits = [...this.#byId].map(([id, { wait }]) => ({ id, wait }));
    const waiting = waits.filter(({ wait }) => wait.sent).map(({ id, wait }) => ({ id, context: wait.context }));
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
    return this.#byId.get(id)?.wait.context.room?.();
  }

  /** `notifications/progress`: our token is the request's id. */
  progress(params: Readonly<Record<string, unknown>>): void {
    const { progressToken, ...rest } = params;
    const pending = typeof progressToken === 'number' ? this.#byId.get(progressToken) : undefined;
    if (!pending?.wait.context.onProgress) return;
    pending.extend();
    pending.wait.context.onProgress(rest);
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
    return owner?.wait.context.forClient ? owner.wait.context : undefined;
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
    const talking = [...this.#byId.values()].filter(({ wait }) => wait.context.method !== 'logging/setLevel');
    const [only, ...others] = talking;
    return others.length === 0 && this.#abandoned.size === 0 && !this.#anyUnknown() ? only : undefined;
  }

  /** Whatever comes first ends the request: from here on nothing more is told of it. */
  #take(id: number): Wait | undefined {
    const pending = this.#byId.get(id);
    if (pending === undefined) return undefined;
    this.#byId.delete(id);
    return pending.finish();
  }
}

type GiveUp = (wait: Wait, reason: string, error: (sent: boolean) => unknown) => void;

interface Wait {
  readonly id: number;
  readonly context: PendingContext;
  sent: boolean;
  readonly resolve: (outcome: RequestOutcome) => void;
  readonly reject: (error: unknown) => void;
  readonly abandon: Abandon;
}

/** In place of what a request has led to, once it has ended. */
const OVER: Wait = { id: 0, context: OF_ANYBODY, sent: false, resolve: () => {}, reject: () => {}, abandon: () => {} };

/**
 * One request that waits. A class, and its parts made when they are needed, since a busy session makes thousands a second.
 *
 * One that has ended leads to nothing. A Map that grows or shrinks leaves its old table behind, which points at the next:
 * once the collector has moved one of them to old space, all that any later one holds outlives its collections there.
 */
class Pending {
  #callOff: (() => void) | undefined;
  /** Questions of the server's that its answer waits for, each with what is to happen when the request ends first. */
  #questions: Set<() => void> | undefined;

  constructor(
    public wait: Wait,
    private readonly timeoutMs: number | undefined,
    private readonly clock: Clock,
    private readonly giveUp: GiveUp,
  ) {
    this.extend();
    wait.context.signal.addEventListener('abort', this.#onAbort);
  }

  /** Begins the request's time anew, or stops it while a person is asked. */
  extend(): void {
    if (this.timeoutMs === undefined) return;
    this.#callOff?.();
    const asked = this.#questions !== undefined && this.#questions.size > 0;
    this.#callOff = asked ? undefined : this.clock.after(this.timeoutMs, () => this.#onTimeout());
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

  /** Ends its timer and its abort listener. @returns who waited */
  finish(): Wait {
    const { wait } = this;
    this.#callOff?.();
    this.#callOff = undefined;
    wait.context.signal.removeEventListener('abort', this.#onAbort);
    for (const over of this.#questions ?? []) over();
    this.#questions = undefined;
    this.wait = OVER;
    return wait;
  }

  readonly #onAbort = (): void => {
    const { signal } = this.wait.context;
    this.giveUp(this.wait, 'cancelled by the client', () => signal.reason);
  };

  #onTimeout(): void {
    const problem = `the server gave no answer within ${(this.timeoutMs ?? 0) / 1000} s`;
    this.giveUp(this.wait, 'timed out', (sent) => new ServerError('timeout', problem, sent));
  }
}
