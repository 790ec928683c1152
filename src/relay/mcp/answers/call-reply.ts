import { memberSpan } from '../../../protocol/json-spans.js';
import type { CallFailure, CallHandle, CallSink, Question } from '../../devices/types.js';
import {
  ErrorCode,
  type ErrorCodeNumber,
  errorResponse,
  responseHead,
  resultResponse,
  type Shape,
} from '../json-rpc.js';
import { CANNOT_BE_ASKED, CallQuestions, type SessionQuestions } from '../legacy/questions.js';
import type { ReplyTarget } from './answer.js';

const CLOSE = Buffer.from('}');
const EMPTY = Buffer.alloc(0);

export interface ReplySettings {
  /** JSON text of the members that every result of the relay's own has for this client (relay-info.ts). */
  readonly members?: string;
  /** Where answers to questions come in; absent: the client cannot be asked. */
  readonly questions?: SessionQuestions;
}

/** One request's response in the making: from a local server through the tunnel, or from the relay itself. Ends once. */
export class CallReply implements CallSink {
  /** Like the next three let go of when it ends, so that a reply that is over leads to nothing (see Call). */
  #target: ReplyTarget | undefined;
  #questions: CallQuestions | undefined;
  #settled: (() => void) | undefined;
  #onCancel: ((reason: string) => void) | undefined;
  /** Still told of bytes that leave after the end. */
  #handle: CallHandle | undefined;
  /** Taken before `Devices.call` returned. */
  #early = 0;
  #begun = false;
  readonly #members: string;

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
    settled: () => void,
    { members = '', questions }: ReplySettings = {},
  ) {
    this.#settled = settled;
    this.#members = members;
    this.#target = target((bytes) => this.#taken(bytes));
    this.#questions = questions && new CallQuestions(questions, (json) => this.#target?.event(json, 0) ?? false);
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
    this.#target?.event(json, json.length);
  }

  piece(kind: 'result' | 'error', bytes: Buffer, last: boolean): void {
    if (this.#target === undefined) return;
    if (!this.#begun) this.#questions?.end();
    const head = this.#begun ? undefined : Buffer.from(responseHead(this.id, kind));
    this.#begun = true;
    const code = kind === 'error' && head !== undefined ? errorCode(bytes) : undefined;
    this.#target.part(head, bytes, last ? CLOSE : undefined, bytes.length, code);
    if (last) this.#settle();
  }

  /** On the stream of the call it belongs to (25N transports, "Sending Messages"). */
  ask(question: Question): void {
    if (this.#target === undefined || this.#begun) return;
    const answer = (kind: 'result' | 'error', json: Buffer) => this.#handle?.answer(question.ask, kind, json);
    if (this.#questions !== undefined) this.#questions.ask(question, answer);
    else answer('error', CANNOT_BE_ASKED);
  }

  withdraw(ask: number): void {
    this.#questions?.withdraw(ask);
  }

  fail(failure: CallFailure): void {
    if (this.#target === undefined) return;
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

  /** A result of the relay's own. @param json text of an object */
  result(json: string): void {
    const own = this.#members === '' || json === '{}' ? this.#members : `${this.#members},`;
    this.#respond(resultResponse(this.id, `{${own}${json.slice(1)}`));
  }

  error(code: ErrorCodeNumber, message: string, data?: Shape): void {
    this.#respond(errorResponse(this.id, code, message, data), code);
  }

  /** Gives up: whoever works on it is told, the client hears nothing more. */
  cancel(reason: string): void {
    const target = this.#target;
    const onCancel = this.#onCancel;
    if (target === undefined) return;
    this.#questions?.end();
    this.#settle();
    onCancel?.(reason);
    target.abandon();
  }

  #respond(response: Buffer, code?: number): void {
    if (this.#target === undefined) return;
    this.#questions?.end();
    this.#target.part(response.subarray(0, -1), EMPTY, CLOSE, 0, code);
    this.#settle();
  }

  #settle(): void {
    const settled = this.#settled;
    this.#target = undefined;
    this.#questions = undefined;
    this.#onCancel = undefined;
    this.#settled = undefined;
    settled?.();
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
