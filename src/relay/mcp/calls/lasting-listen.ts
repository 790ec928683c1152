import { memberSpan } from '../../../protocol/json-spans.js';
import type {
  CallFailure,
  CallHandle,
  CallRequest,
  CallSink,
  CallTarget,
  Devices,
  Question,
} from '../../devices/types.js';
import { failureText } from '../answers/call-reply.js';
import { ErrorCode, isShape, type Shape } from '../json-rpc.js';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** An error is small; a larger one is not kept. */
const MAX_ERROR_BYTES = 64 * 1024;
const NOT_HERE = 'Nothing can be asked of a client here';

export interface ListenTarget {
  readonly target: CallTarget;
  readonly request: Omit<CallRequest, 'method' | 'lasting'>;
}

export interface LastingHooks {
  /** Where to listen now; undefined: nothing is there. */
  find(): ListenTarget | undefined;
  /** @param honoured what the server tells of, of what it was asked @param again it was lost in between */
  acknowledged(honoured: Shape, again: boolean): void;
  /** A notification. @param taken to be told when it has left, or never will: until then no more than a window's worth comes */
  event(method: string, json: Buffer, taken: () => void): void;
  /**
   * The first attempt came to nothing.
   * @param error JSON text of the server's error
   * @returns whether to try again
   */
  refused(error: Buffer): boolean;
}

/**
 * `subscriptions/listen` at one local server, on behalf of a client that has no such method. One that was lost, with its
 * device or its server, is opened again.
 */
export class LastingListen {
  #handle: CallHandle | undefined;
  /** Which attempt is the current one; what others still say does not count. */
  #attempt = 0;
  #acknowledged = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;
  #closed = false;

  constructor(
    private readonly devices: Devices,
    private readonly userId: string,
    private readonly hooks: LastingHooks,
  ) {}

  /** Begins, or begins anew with what `find` says now. */
  open(): void {
    if (this.#closed) return;
    this.#stopWaiting();
    this.#handle?.cancel('listening anew');
    this.#handle = undefined;
    this.#attempt += 1;
    const found = this.hooks.find();
    if (found === undefined) {
      this.#over({ code: ErrorCode.internal, message: 'The server is not connected' }, true);
      return;
    }
    const { target, request } = found;
    const sink = this.#sink(this.#attempt);
    this.#handle = this.devices.call(target, { ...request, method: 'subscriptions/listen', lasting: true }, sink);
  }

  close(reason: string): void {
    this.#closed = true;
    this.#stopWaiting();
    this.#handle?.cancel(reason);
    this.#handle = undefined;
  }

  #sink(attempt: number): CallSink {
    const parts: Buffer[] = [];
    let bytes = 0;
    const current = () => (attempt === this.#attempt && !this.#closed ? this.#handle : undefined);
    return {
      event: (json: Buffer) => {
        const handle = current();
        if (handle !== undefined) this.#event(json, () => handle.consumed(json.length));
      },
      piece: (kind: 'result' | 'error', part: Buffer, last: boolean) => {
        const handle = current();
        if (handle === undefined) return;
        bytes += part.length;
        if (kind === 'error' && bytes <= MAX_ERROR_BYTES) parts.push(part);
        handle.consumed(part.length);
        if (last)
          this.#over(
            kind === 'error' && bytes <= MAX_ERROR_BYTES ? Buffer.concat(parts) : undefined,
            kind === 'result',
          );
      },
      ask: ({ ask }: Question) => {
        const error = { code: ErrorCode.methodNotFound, message: NOT_HERE };
        current()?.answer(ask, 'error', Buffer.from(JSON.stringify(error)));
      },
      withdraw: () => {},
      fail: (failure: CallFailure) => {
        if (current() !== undefined) this.#over({ code: ErrorCode.internal, message: failureText(failure) }, true);
      },
    };
  }

  #event(json: Buffer, taken: () => void): void {
    const span = memberSpan(json, 0, json.length, 'method');
    const method: unknown = span && JSON.parse(json.toString('utf8', ...span));
    if (method !== ACKNOWLEDGED) {
      if (typeof method === 'string') this.hooks.event(method, json, taken);
      else taken();
      return;
    }
    taken();
    const again = this.#acknowledged;
    this.#acknowledged = true;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.hooks.acknowledged(honoured(json), again);
  }

  /** @param passing it may be better in a moment; a server's own refusal stands until something changes */
  #over(error: Buffer | { readonly code: number; readonly message: string } | undefined, passing: boolean): void {
    this.#handle = undefined;
    const told = error ?? { code: ErrorCode.internal, message: 'The server ended the subscription' };
    const text = told instanceof Buffer ? told : Buffer.from(JSON.stringify(told));
    if (!this.#acknowledged && !this.hooks.refused(text)) {
      this.#closed = true;
      return;
    }
    if (this.#closed) return;
    this.#unwatch = this.devices.onChange(this.userId, () => this.open());
    if (!passing) return;
    this.#timer = setTimeout(() => this.open(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#unwatch = undefined;
  }
}

/** The filter that an acknowledgement repeats, as far as it is honoured. */
function honoured(json: Buffer): Shape {
  const message: unknown = JSON.parse(json.toString('utf8'));
  const params = isShape(message) ? message.params : undefined;
  return isShape(params) && isShape(params.notifications) ? params.notifications : {};
}
