import { ErrorCode, errorResponse, type SharedResponse } from '../json-rpc.js';
import type { ReplyTarget } from './answer.js';

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');
const TOO_LARGE = 'The result is too large for a batch. The request was carried out.';

/** The answer to a batch (25M basic, "Batching"): one array when the last response is there. */
export class BatchAnswer {
  readonly #responses: Buffer[] = [];
  #open: number;
  #bytes = 0;

  /**
   * @param requests how many requests the batch has
   * @param maxBytes all responses together; one that would go over it is replaced by an error
   */
  constructor(
    private readonly answer: ReplyTarget,
    requests: number,
    private readonly maxBytes: number,
  ) {
    this.#open = requests;
  }

  /** Where the response to one request of the batch goes. */
  slot(id: string, taken: (bytes: number) => void): ReplyTarget {
    let parts: Buffer[] = [];
    let fits = true;
    const collect = (part: Buffer) => {
      if (fits && this.#bytes + part.length <= this.maxBytes) {
        this.#bytes += part.length;
        parts.push(part);
      } else if (fits) {
        fits = false;
        for (const kept of parts) this.#bytes -= kept.length;
        parts = [];
      }
    };
    return {
      event: (json, owed) => {
        taken(owed);
        return this.answer.event(json, 0);
      },
      part: (head, json, tail, owed) => {
        for (const part of [head, json, tail]) if (part !== undefined) collect(part);
        taken(owed);
        if (tail !== undefined)
          this.#done(fits ? Buffer.concat(parts) : errorResponse(id, ErrorCode.internal, TOO_LARGE));
      },
      breakOff: (error) => this.#done(error),
      abandon: () => this.#done(undefined),
    };
  }

  /** A response that is there at once. */
  add(response: Buffer | SharedResponse): void {
    if (Buffer.isBuffer(response)) this.#done(response);
    else this.#done(Buffer.concat([Buffer.from(response.head), response.ending]));
  }

  #done(response: Buffer | undefined): void {
    if (response !== undefined) this.#responses.push(response);
    this.#open -= 1;
    if (this.#open > 0) return;
    const body = this.#responses.flatMap((one, index) => (index === 0 ? [one] : [COMMA, one]));
    if (body.length === 0) this.answer.abandon();
    else this.answer.part(OPEN, Buffer.concat(body), CLOSE, 0);
  }
}
