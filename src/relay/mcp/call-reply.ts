import { memberSpan } from '../../protocol/json-spans.js';
import type { CallFailure, CallHandle, CallSink, Question } from '../devices/types.js';
import type { ReplyTarget } from './answer.js';
import { ErrorCode, type ErrorCodeNumber, errorResponse, responseHead, resultResponse } from './json-rpc.js';

const CLOSE = Buffer.from('}');
const EMPTY = Buffer.alloc(0);

/** One request's response in the making: from a local server through the tunnel, or from the relay itself. Ends once. */
export class CallReply implements CallSink {
  readonly #target: ReplyTarget;
  #handle: CallHandle | undefined;
  /** Taken before `Devices.call` returned. */
  #early = 0;
  #begun = false;
  #settled = false;
  #onCancel: ((reason: string) => void) | undefined;

  /**
   * @param id JSON text of the request's id
   * @param failsAs how a call that got no answer is told: a tool's result for the model to act on (MCP server/tools,
   * "Error handling"), or a JSON-RPC error for any other method
   * @param settled told once, when the last byte of the response has been given to the target or none will be
   */
  constructor(
    private readonly id: string,
    private readonly failsAs: 'tool' | 'error',
    target: (taken: (bytes: number) => void) => ReplyTarget,
    private readonly settled: () => void,
  ) {
    this.#target = target((bytes) => this.#taken(bytes));
  }

  /** The call is on its way. */
  started(handle: CallHandle): void {
    this.#handle = handle;
    this.#onCancel = (reason) => handle.cancel(reason);
    if (this.#early > 0) handle.consumed(this.#early);
  }

  /** For work of the relay's own that can be given up. */
  onCancel(listener: (reason: string) => void): void {
    this.#onCancel = listener;
  }

  event(json: Buffer): void {
    if (!this.#settled) this.#target.event(json, json.length);
  }

  piece(kind: 'result' | 'error', bytes: Buffer, last: boolean): void {
    if (this.#settled) return;
    const head = this.#begun ? undefined : Buffer.from(responseHead(this.id, kind));
    this.#begun = true;
    const code = kind === 'error' && head !== undefined ? errorCode(bytes) : undefined;
    this.#target.part(head, bytes, last ? CLOSE : undefined, bytes.length, code);
    if (last) this.#settle();
  }

  /** The place where a client is asked. Until then every question is refused. */
  ask({ ask }: Question): void {
    const refusal = { code: ErrorCode.methodNotFound, message: 'This client cannot be asked' };
    this.#handle?.answer(ask, 'error', Buffer.from(JSON.stringify(refusal)));
  }

  withdraw(): void {}

  fail(failure: CallFailure): void {
    if (this.#settled) return;
    if (this.#begun) {
      this.#target.breakOff(errorResponse(this.id, ErrorCode.internal, failureText(failure)));
      this.#settle();
      return;
    }
    this.refuse(failureText(failure));
  }

  /** No answer of the local server's; `text` says why, and whether it may have run. */
  refuse(text: string): void {
    if (this.failsAs === 'tool') this.result(toolError(text));
    else this.error(ErrorCode.internal, text);
  }

  /** @param json text of the result */
  result(json: string): void {
    this.#respond(resultResponse(this.id, json));
  }

  error(code: ErrorCodeNumber, message: string): void {
    this.#respond(errorResponse(this.id, code, message), code);
  }

  /** Gives up: whoever works on it is told, the client hears nothing more. */
  cancel(reason: string): void {
    if (this.#settled) return;
    this.#settle();
    this.#onCancel?.(reason);
    this.#target.abandon();
  }

  #respond(response: Buffer, code?: number): void {
    if (this.#settled) return;
    this.#target.part(response.subarray(0, -1), EMPTY, CLOSE, 0, code);
    this.#settle();
  }

  #settle(): void {
    this.#settled = true;
    this.settled();
  }

  #taken(bytes: number): void {
    if (this.#handle === undefined) this.#early += bytes;
    else if (bytes > 0) this.#handle.consumed(bytes);
  }
}

/** The `code` of an error, unless it is so long that this is not all of it. */
function errorCode(json: Buffer): number | undefined {
  const span = memberSpan(json, 0, json.length, 'code');
  const code = span === undefined ? Number.NaN : Number(json.toString('latin1', ...span));
  return Number.isSafeInteger(code) ? code : undefined;
}

/** A tool's result that says what went wrong, for the model to act on. */
export function toolError(text: string): string {
  return JSON.stringify({ content: [{ type: 'text', text }], isError: true });
}

/** What happened, and whether it is safe to call again. */
export function failureText(failure: CallFailure): string {
  if (failure.code === 'too_large') return failure.message;
  const verdict = failure.dispatched ? 'outcome unknown' : 'not dispatched: safe to retry';
  return failure.message.includes(verdict) ? failure.message : `${failure.message} (${verdict})`;
}
