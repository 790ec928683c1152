import type { ServerResponse } from 'node:http';
import type { Accepts } from '../answers/accept.js';
import { Answer } from '../answers/answer.js';
import { ErrorCode, responseHead } from '../json-rpc.js';
import { SUBSCRIPTION_ID } from './envelope.js';
import { errorStatus } from './modern-error.js';
import { ModernStream } from './modern-stream.js';

const CLOSE = Buffer.from('}');
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface SubscriptionSettings {
  /** JSON text of the request's id, which is the subscription's, too. */
  readonly id: string;
  readonly grantId: string;
  /** Milliseconds since the epoch; the stream ends when the token that opened it does. */
  readonly expiresAt: number;
  readonly accepts: Accepts;
  readonly silentSeconds: number;
  readonly keepaliveSeconds: number;
}

/** The stream of one `subscriptions/listen` (26 basic/patterns/subscriptions), from its acknowledgement to its end. */
export class ModernSubscription {
  readonly grantId: string;
  /** The response has left, or the client is gone. */
  readonly closed: Promise<void>;
  readonly #id: string;
  readonly #answer: Answer;
  readonly #expiry: NodeJS.Timeout;
  /** What was sent and has not left, oldest first. */
  readonly #unpaid: { bytes: number; readonly taken: () => void }[] = [];
  #state: 'opening' | 'open' | 'over' = 'opening';

  /** @param ended runs once, whoever ended it */
  constructor(
    res: ServerResponse,
    settings: SubscriptionSettings,
    private readonly ended: () => void,
  ) {
    const { id, accepts, silentSeconds, keepaliveSeconds } = settings;
    this.grantId = settings.grantId;
    this.#id = id;
    const openStream = (taken: (bytes: number) => void) => new ModernStream(keepaliveSeconds, taken);
    this.#answer = new Answer(res, { accepts, silentSeconds, openStream, errorStatus }, (bytes) => this.#pay(bytes));
    const left = Math.max(settings.expiresAt - Date.now(), 0);
    this.#expiry = setTimeout(() => this.end('the access token has expired'), Math.min(left, MAX_TIMER_MS));
    this.closed = new Promise((resolve) => {
      res.once('close', () => {
        this.#over();
        resolve();
      });
    });
  }

  /**
   * A message for the stream, the acknowledgement first.
   * @param json one line, tagged with the subscription's id
   * @param taken told when it has left, or never will
   */
  send(json: Buffer, taken: () => void = () => {}): void {
    if (this.#state === 'over') {
      taken();
      return;
    }
    this.#state = 'open';
    this.#unpaid.push({ bytes: json.length, taken });
    this.#answer.event(json, json.length);
  }

  /** The same for a notification of the relay's own. @param params its members but `_meta` */
  notify(method: string, params: Readonly<Record<string, unknown>> = {}): void {
    const members = Object.entries(params).map(([name, value]) => `"${name}":${JSON.stringify(value)},`);
    this.send(Buffer.from(`{"jsonrpc":"2.0","method":"${method}","params":{${members.join('')}${this.#meta}}}`));
  }

  /**
   * Ends what neither client nor server has ended: the client is told by `notifications/cancelled` (26
   * basic/patterns/cancellation) and by the result (26 basic/patterns/subscriptions, "Graceful Closure"), for each page
   * names one of them. What was not acknowledged failed.
   */
  end(reason: string): void {
    if (this.#state === 'opening') {
      const problem = { code: ErrorCode.internal, message: `The subscription was not opened: ${reason}` };
      this.error(Buffer.from(JSON.stringify(problem)), problem.code);
    } else if (this.#state === 'open') {
      const params = `"requestId":${this.#id},"reason":${JSON.stringify(reason)},${this.#meta}`;
      this.send(Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{${params}}}`));
      this.result(Buffer.from(`{"resultType":"complete",${this.#meta}}`));
    }
  }

  /** The server ended it. @param json text of its result */
  result(json: Buffer): void {
    if (this.#state !== 'over') this.#respond('result', json);
  }

  /** The request failed. @param json text of the error, and its code where that is known */
  error(json: Buffer, code?: number): void {
    if (this.#state !== 'over') this.#respond('error', json, code);
  }

  get #meta(): string {
    return `"_meta":{"${SUBSCRIPTION_ID}":${this.#id}}`;
  }

  #respond(kind: 'result' | 'error', json: Buffer, code?: number): void {
    this.#answer.part(Buffer.from(responseHead(this.#id, kind)), json, CLOSE, 0, code);
    this.#over();
  }

  #over(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    clearTimeout(this.#expiry);
    this.ended();
  }

  #pay(bytes: number): void {
    let left = bytes;
    while (left > 0) {
      const oldest = this.#unpaid[0];
      if (oldest === undefined) return;
      const part = Math.min(left, oldest.bytes);
      left -= part;
      oldest.bytes -= part;
      if (oldest.bytes > 0) return;
      this.#unpaid.shift();
      oldest.taken();
    }
  }
}
