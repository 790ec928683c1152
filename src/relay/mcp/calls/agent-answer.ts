import type { CallFailure, CallHandle, CallSink } from '../../devices/types.js';
import { failureText } from '../answers/call-reply.js';
import { isShape } from '../json-rpc.js';

/** An agent's own answers are small; a larger one is a mistake. */
const MAX_BYTES = 256 * 1024;

export interface AgentAnswerValue {
  readonly json?: unknown;
  readonly problem?: string;
}

/** Collects what an agent itself answers to the relay; never anything of a local server's. */
export class AgentAnswer implements CallSink {
  /** Never rejects. */
  readonly value: Promise<AgentAnswerValue>;
  #resolve: (value: AgentAnswerValue) => void = () => {};
  #parts: Buffer[] = [];
  #bytes = 0;
  #handle: CallHandle | undefined;
  #early = 0;

  constructor() {
    this.value = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  started(handle: CallHandle): void {
    this.#handle = handle;
    if (this.#early > 0) handle.consumed(this.#early);
  }

  event(json: Buffer): void {
    this.#taken(json.length);
  }

  piece(kind: 'result' | 'error', bytes: Buffer, last: boolean): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= MAX_BYTES) this.#parts.push(bytes);
    this.#taken(bytes.length);
    if (last) this.#resolve(this.#read(kind));
  }

  /** Nothing of the relay's own is ever asked back. */
  ask(): void {}

  withdraw(): void {}

  fail(failure: CallFailure): void {
    this.#resolve({ problem: failureText(failure) });
  }

  #taken(bytes: number): void {
    if (this.#handle === undefined) this.#early += bytes;
    else this.#handle.consumed(bytes);
  }

  #read(kind: 'result' | 'error'): AgentAnswerValue {
    if (this.#bytes > MAX_BYTES) return { problem: 'The agent gave an answer that is too large.' };
    let json: unknown;
    try {
      json = JSON.parse(Buffer.concat(this.#parts).toString('utf8'));
    } catch {
      return { problem: 'The agent gave an answer that is not JSON.' };
    }
    if (kind === 'result') return { json };
    return { problem: isShape(json) && typeof json.message === 'string' ? json.message : 'The agent refused.' };
  }
}
