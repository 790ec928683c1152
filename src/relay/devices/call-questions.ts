import { type AskHead, decodeAsk, encodeAnswer, OPEN_ASKS, UNANSWERED_BYTES } from '../../protocol/call-messages.js';
import { MessageError } from '../../protocol/message-reader.js';
import type { CallSink } from './types.js';

const LF = 10;
const CR = 13;
const SPACE = 32;

/** What one call's server asks its client, and what the client says to it. Outlives links. */
export class CallQuestions {
  /** Asked, and neither answered nor taken back; with the bytes of each. */
  readonly #open = new Map<number, number>();
  /** Bodies of `answer` frames the agent is not known to have: said again on each new link. */
  readonly #answers = new Map<number, Buffer>();
  #last = 0;
  /** Also of those taken back: nobody says when they have left towards a client that does not read. */
  #unanswered = 0;
  #kept = 0;

  constructor(private readonly sink: CallSink) {}

  /** Somebody is thinking. */
  get waiting(): boolean {
    return this.#open.size > 0;
  }

  /** Bytes of answers the agent is not known to have. */
  get kept(): number {
    return this.#kept;
  }

  get unconfirmed(): Iterable<Buffer> {
    return this.#answers.values();
  }

  /** A whole `ask` message. @returns what is wrong with it: the call cannot go on */
  take(body: Buffer): string | undefined {
    let question: { readonly head: AskHead; readonly params: Buffer };
    try {
      question = decodeAsk(body);
    } catch (error) {
      if (error instanceof MessageError) return 'a question that is none';
      throw error;
    }
    const { head, params } = question;
    return 'gone' in head ? this.#gone(head.ask) : this.#asked(head.ask, head.method, params, body.length);
  }

  /** The client's reply. @returns the body of an `answer` frame; undefined when there is no such question any more */
  answer(ask: number, kind: 'result' | 'error', json: Buffer): Buffer | undefined {
    const bytes = this.#open.get(ask);
    if (bytes === undefined) return undefined;
    this.#open.delete(ask);
    this.#unanswered -= bytes;
    const body = encodeAnswer({ ask, kind }, onOneLine(json));
    this.#answers.set(ask, body);
    this.#kept += body.length;
    return body;
  }

  #asked(ask: number, method: string, params: Buffer, bytes: number): string | undefined {
    if (ask <= this.#last) return 'a question asked twice';
    if (this.#open.size + this.#answers.size >= OPEN_ASKS) return 'too many questions at a time';
    if (params.length === 0) return 'a question without params';
    if (params.includes(LF) || params.includes(CR)) return 'a line break';
    this.#unanswered += bytes;
    if (this.#unanswered > UNANSWERED_BYTES) return 'more questions than a client can answer';
    this.#last = ask;
    this.#open.set(ask, bytes);
    this.sink.ask({ ask, method, params });
    return undefined;
  }

  #gone(ask: number): string | undefined {
    const kept = this.#answers.get(ask);
    if (kept !== undefined) {
      this.#kept -= kept.length;
      this.#answers.delete(ask);
      return undefined;
    }
    if (!this.#open.delete(ask)) return 'the end of a question that is not open';
    this.sink.withdraw(ask);
    return undefined;
  }
}

/** Within strings JSON has no raw line break, and a local server on stdio reads lines. */
function onOneLine(json: Buffer): Buffer {
  if (!json.includes(LF) && !json.includes(CR)) return json;
  return Buffer.from(json.map((byte) => (byte === LF || byte === CR ? SPACE : byte)));
}
