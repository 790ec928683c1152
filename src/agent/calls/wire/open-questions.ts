import {
  decodeAnswer,
  encodeAsk,
  OPEN_ASKS,
  QUESTION_BYTES,
  UNANSWERED_BYTES,
} from '../../../protocol/call-messages.js';
import type { CallSignal } from '../../servers/call-signal.js';
import type { AskReply, JsonRpcError } from '../../servers/types.js';

interface Open {
  readonly bytes: number;
  readonly reply: (reply: AskReply) => void;
  readonly fail: (reason: unknown) => void;
}

const INTERNAL_ERROR = -32603;
const NO_PARAMS = Buffer.from('{}');
const NOTHING = Buffer.alloc(0);

/** The questions of one call that wait for the client's reply. They know nothing of links: `ask` frames go by the call's stream. */
export class OpenQuestions {
  readonly #open = new Map<number, Open>();
  #asked = 0;
  /** As the relay counts them, or more. */
  #unanswered = 0;
  #over: { readonly reason: unknown } | undefined;

  /** @param send queues the body of an `ask` frame */
  constructor(private readonly send: (body: Buffer) => void) {}

  /** See CallOutput.ask. */
  ask(method: string, params: Uint8Array, signal: CallSignal): Promise<AskReply> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) return reject(this.#over.reason);
      if (signal.aborted) return reject(signal.reason);
      if (this.#open.size >= OPEN_ASKS) return resolve(refusal('too many questions at a time'));
      const number = this.#asked + 1;
      const body = encodeAsk({ ask: number, method }, params.length === 0 ? NO_PARAMS : params);
      const unanswered = this.#unanswered + body.length;
      if (body.length > QUESTION_BYTES || unanswered > UNANSWERED_BYTES) {
        return resolve(refusal('a question that is too large'));
      }
      this.#asked = number;
      this.#unanswered = unanswered;
      const takenBack = () => {
        this.#gone(number);
        reject(signal.reason);
      };
      signal.addEventListener('abort', takenBack, { once: true });
      const settled = () => signal.removeEventListener('abort', takenBack);
      this.#open.set(number, {
        bytes: body.length,
        reply: (reply) => {
          settled();
          resolve(reply);
        },
        fail: (reason) => {
          settled();
          reject(reason);
        },
      });
      this.send(body);
    });
  }

  /**
   * An `answer` has come. One to a question that is answered or taken back is let go: the relay says an answer again
   * on each link until it has heard that the question is gone.
   *
   * @throws MessageError
   */
  answered(body: Buffer): void {
    const { head, json } = decodeAnswer(body);
    const open = this.#open.get(head.ask);
    if (open === undefined) return;
    this.#gone(head.ask);
    this.#unanswered -= open.bytes;
    open.reply(head.kind === 'result' ? { kind: 'result', json } : { kind: 'error', error: errorOf(json) });
  }

  /** The call is over, and its questions with it: whoever waits is told why. */
  end(reason: unknown): void {
    if (this.#over !== undefined) return;
    this.#over = { reason };
    for (const open of this.#open.values()) open.fail(reason);
    this.#open.clear();
  }

  #gone(ask: number): void {
    this.#open.delete(ask);
    this.send(encodeAsk({ ask, gone: true }, NOTHING));
  }
}

function refusal(message: string): AskReply {
  return { kind: 'error', error: { code: INTERNAL_ERROR, message } };
}

/** What a client calls its error; a client may send anything. */
function errorOf(json: Buffer): JsonRpcError {
  let value: unknown;
  try {
    value = JSON.parse(json.toString('utf8'));
  } catch {
    // Stays undefined.
  }
  const known = typeof value === 'object' && value !== null ? value : {};
  const code = 'code' in known && typeof known.code === 'number' && Number.isSafeInteger(known.code);
  return {
    code: code ? (known.code as number) : INTERNAL_ERROR,
    message: 'message' in known && typeof known.message === 'string' ? known.message : 'the client gave no reason',
    ...('data' in known ? { data: known.data } : {}),
  };
}
