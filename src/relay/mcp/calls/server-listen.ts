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
import { ErrorCode } from '../json-rpc.js';

/** The end of a subscription has no data of its own; what is larger is not one. */
const MAX_BYTES = 64 * 1024;
const CANNOT_BE_ASKED = Buffer.from(
  JSON.stringify({ code: ErrorCode.methodNotFound, message: 'Nothing can be asked within a subscription' }),
);

export type ListenEnd =
  /** JSON text of what the server said at the end. */
  | { readonly kind: 'result'; readonly json: Buffer }
  | { readonly kind: 'error'; readonly json: Buffer; readonly code: number | undefined }
  | { readonly kind: 'failure'; readonly failure: CallFailure };

export interface ListenHooks {
  /** @param taken to be told when it has left, or never will: until then no more than a window's worth comes */
  event(json: Buffer, taken: () => void): void;
  /** Once, unless it was cancelled. */
  ended(end: ListenEnd): void;
}

/** One `subscriptions/listen` at a local server, until it ends or is lost. Whoever began it may begin another. */
export class ServerListen implements CallSink {
  #handle: CallHandle | undefined;
  /** Taken before `Devices.call` returned. */
  #early = 0;
  #parts: Buffer[] = [];
  #bytes = 0;
  #over = false;

  constructor(private readonly hooks: ListenHooks) {}

  start(devices: Devices, target: CallTarget, request: CallRequest): void {
    this.#handle = devices.call(target, request, this);
    if (this.#early > 0) this.#handle.consumed(this.#early);
    if (this.#over) this.#handle.cancel('not wanted any more');
  }

  cancel(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#handle?.cancel(reason);
  }

  event(json: Buffer): void {
    if (this.#over) this.#taken(json.length);
    else this.hooks.event(json, () => this.#taken(json.length));
  }

  piece(kind: 'result' | 'error', bytes: Buffer, last: boolean): void {
    this.#taken(bytes.length);
    if (this.#over) return;
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_BYTES) {
      this.cancel('too large an end');
      const message = 'The server ended the subscription with more than an end has.';
      this.hooks.ended({ kind: 'failure', failure: { code: 'too_large', dispatched: true, message } });
      return;
    }
    this.#parts.push(bytes);
    if (!last) return;
    const json = Buffer.concat(this.#parts);
    this.#end(kind === 'result' ? { kind, json } : { kind, json, code: codeOf(json) });
  }

  ask({ ask }: Question): void {
    this.#handle?.answer(ask, 'error', CANNOT_BE_ASKED);
  }

  withdraw(): void {}

  fail(failure: CallFailure): void {
    if (!this.#over) this.#end({ kind: 'failure', failure });
  }

  #end(end: ListenEnd): void {
    this.#over = true;
    this.hooks.ended(end);
  }

  #taken(bytes: number): void {
    if (this.#handle === undefined) this.#early += bytes;
    else if (bytes > 0) this.#handle.consumed(bytes);
  }
}

function codeOf(error: Buffer): number | undefined {
  const span = memberSpan(error, 0, error.length, 'code');
  const code = span === undefined ? Number.NaN : Number(error.toString('latin1', ...span));
  return Number.isSafeInteger(code) ? code : undefined;
}
