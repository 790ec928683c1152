import type { ServerResponse } from 'node:http';
import type { AnswerStream } from '../answers/answer.js';
import { EVENT_END, EventStream, eventStart } from '../answers/event-stream.js';

const EMPTY = Buffer.alloc(0);

/**
 * The answer to one request of the stateless revision as an event stream: no ids, and nothing is kept, because there is
 * no resumption (26 basic/transports/streamable-http, "Receiving Messages").
 */
export class ModernStream implements AnswerStream {
  #out: EventStream | undefined;
  #owed = 0;

  /** @param taken told how many of the bytes given have left, or will never */
  constructor(
    private readonly keepaliveSeconds: number,
    private readonly taken: (bytes: number) => void,
  ) {}

  open(res: ServerResponse): void {
    this.#out = new EventStream(res, this.keepaliveSeconds, {
      drained: () => this.#release(),
      closed: () => {
        this.#out = undefined;
        this.#release();
      },
    });
  }

  event(json: Buffer, owed: number): boolean {
    const open = this.#out !== undefined;
    this.#write(Buffer.concat([eventStart(), json, EVENT_END]), true, owed);
    return open;
  }

  part(head: Buffer | undefined, json: Buffer, tail: Buffer | undefined, owed: number): void {
    const start = head === undefined ? [] : [eventStart(), head];
    const end = tail === undefined ? [] : [tail, EVENT_END];
    this.#write(Buffer.concat([...start, json, ...end]), tail !== undefined, owed);
    if (tail !== undefined) this.#out?.end();
  }

  /** The event that was begun becomes one that is no JSON; `error` follows as the response. */
  breakOff(error: Buffer): void {
    this.#out?.write(EVENT_END, true);
    this.part(error, EMPTY, EMPTY, 0);
  }

  abandon(): void {
    this.#out?.end();
  }

  #write(bytes: Buffer, whole: boolean, owed: number): void {
    if (this.#out === undefined || this.#out.write(bytes, whole)) this.taken(owed);
    else this.#owed += owed;
  }

  #release(): void {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0) this.taken(owed);
  }
}
