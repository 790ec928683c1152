import { type CallClient, type CallHead, QUESTION_BYTES, UNANSWERED_BYTES } from '../../../protocol/call-messages.js';
import { CallAbort, type CallSignal } from '../../servers/call-signal.js';
import { type Clock, pause } from '../../servers/clock.js';
import type { AskPolicy, AskReply, RequestContext, RequestOutcome, ServerAsk } from '../../servers/types.js';
import { type JsonObject, parsedObject } from '../json-edit.js';
import { logContext, notificationContext, progressContext } from '../notifications.js';
import type { CallOutput } from '../wire/running-call.js';
import { noReply, ownReply, refusal, reply } from './asks.js';
import { beating } from './heartbeat.js';
import { translateAsk } from './translate-ask.js';

/** Questions that come within this time go to the client together. */
const TOGETHER_MS = 50;

/** How a call at a server ended. */
export type CallEnd =
  | {
      readonly kind: 'outcome';
      readonly outcome: RequestOutcome;
      /** The result's `resultType`, where it has been looked for. */
      readonly type?: string | undefined;
    }
  /** With an error of `LocalServers.request`. */
  | { readonly kind: 'failed'; readonly error: unknown };

/** The part of a call that is a request at a server, whatever it takes there. */
export type Upstream = (context: RequestContext) => Promise<RequestOutcome>;

interface Question {
  readonly method: string;
  readonly params: JsonObject;
  settle(reply: AskReply): void;
}

interface Attachment {
  readonly head: CallHead;
  readonly output: CallOutput;
}

/**
 * One call at a legacy server, which may outlive the request of the modern client that began it: while a question waits
 * for the client, it is attached to no request, and the client's next one takes it over.
 */
export class OpenCall {
  readonly #questions = new Map<string, Question>();
  readonly #stop = new CallAbort();
  #attached: Attachment | undefined;
  #asked = 0;
  /** Of the questions without an answer. */
  #bytes = 0;
  #end: CallEnd | undefined;
  #changed: () => void = () => {};

  /** @param head the request it begins with; a progress token or log level that only a later one has comes too late */
  constructor(
    upstream: Upstream,
    private readonly head: CallHead,
    private readonly policy: AskPolicy,
    private readonly clock: Clock,
  ) {
    const now = () => [this.#attached?.head, this.#attached?.output] as const;
    void this.#run(upstream, {
      signal: this.#stop,
      client: head.client,
      onAsk: (ask) => this.#ask(ask),
      room: () => this.#attached?.output.room(),
      ...(head.logLevel === undefined ? {} : { logLevel: head.logLevel }),
      ...(head.client.endpoint === 'server'
        ? { onNotification: (method, params) => notificationContext(...now())?.(method, params) }
        : {}),
      onLog: (log) => logContext(...now())?.(log),
      ...(head.progressToken === undefined ? {} : { onProgress: (told) => progressContext(...now())?.(told) }),
    });
  }

  get client(): CallClient {
    return this.head.client;
  }

  /** Of its questions without an answer, and of its result. */
  get bytes(): number {
    const end = this.#end;
    const result = end?.kind === 'outcome' && end.outcome.kind === 'result' ? end.outcome.json.length : 0;
    return this.#bytes + result;
  }

  /** Questions without an answer, by the keys the client is given. */
  get questions(): ReadonlyMap<string, Question> {
    return this.#questions;
  }

  /**
   * Attaches the call to a request of its client until it has ended or has questions; undefined is the latter.
   * @throws the reason of the output's signal, which ends the call
   */
  async next(head: CallHead, output: CallOutput): Promise<CallEnd | undefined> {
    const { signal } = output;
    const leave = () => this.cancel(signal.reason);
    this.#attached = { head, output };
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    try {
      for (;;) {
        signal.throwIfAborted();
        if (this.#end !== undefined) return this.#end;
        if (this.#questions.size === 0) await this.#change(signal);
        else {
          await Promise.race([pause(this.clock, TOGETHER_MS, signal), this.#ended(signal)]);
          if (this.#end === undefined && this.#questions.size > 0) return undefined;
        }
      }
    } finally {
      signal.removeEventListener('abort', leave);
      this.#attached = undefined;
      this.#changed = () => {};
    }
  }

  /** While it is attached to no request. @param changed told when it has ended, or asks for more */
  watch(changed: () => void): void {
    this.#changed = changed;
  }

  /** Tells the server that nobody answers, then that nobody waits. */
  async expire(reason: Error): Promise<void> {
    for (const { method, settle } of [...this.#questions.values()]) settle(noReply(method));
    // So that the replies are on their way first.
    await new Promise((resolve) => setImmediate(resolve));
    this.cancel(reason);
  }

  cancel(reason: unknown): void {
    this.#stop.abort(reason);
  }

  async #run(upstream: Upstream, context: RequestContext): Promise<void> {
    try {
      this.#end = { kind: 'outcome', outcome: await upstream(context) };
    } catch (error) {
      this.#end = { kind: 'failed', error };
    }
    this.#changed();
  }

  async #ask(ask: ServerAsk): Promise<AskReply> {
    const { method } = ask;
    const own = ownReply(method, ask.params, this.client, this.policy);
    if (own !== undefined) return own;
    const params = translateAsk(method, ask.params, this.head);
    if (params === undefined) return reply({ action: 'cancel' });
    // As where the client is asked while its request is open: it could not be told of more.
    if (params.length > QUESTION_BYTES || this.#bytes + params.length > UNANSWERED_BYTES) {
      return refusal(-32603, 'a question that is too large');
    }
    this.#bytes += params.length;
    this.#asked += 1;
    const key = `q${this.#asked}`;
    return beating(
      ask,
      this.clock,
      new Promise<AskReply>((resolve) => {
        const withdrawn = () => settle(noReply(method));
        const settle = (given: AskReply) => {
          if (this.#questions.delete(key)) this.#bytes -= params.length;
          ask.signal.removeEventListener('abort', withdrawn);
          resolve(given);
        };
        ask.signal.addEventListener('abort', withdrawn);
        this.#questions.set(key, { method, params: parsedObject(params), settle });
        this.#changed();
        if (ask.signal.aborted) withdrawn();
      }),
    );
  }

  #change(signal: CallSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async #ended(signal: CallSignal): Promise<void> {
    while (this.#end === undefined && !signal.aborted) await this.#change(signal);
  }
}
