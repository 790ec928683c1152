import { CALL_WINDOW_BYTES, FrameType, type FrameTypeCode } from '../../../protocol/frames.js';
import type { SendStream } from '../../../protocol/send-stream.js';
import { Gate } from '../../servers/gate.js';

/**
 * With more than this on its way the client does not keep up, and its server need not be read further for its sake. The
 * relay grants credit by halves of a window: what waits beyond one half surely has a grant yet to come, which tells that
 * less does.
 */
export const FULL_BYTES = CALL_WINDOW_BYTES / 2;
/** Progress is let go of when this much of a call's output waits for a slow client, but for the latest. */
const SLOW_BYTES = 512 * 1024;
/** Everything but the result is, when this much does: a server that floods who does not read is not to take all memory. */
const FLOOD_BYTES = 16 * 1024 * 1024;

/** What one call sends, in order; what of it is let go of for a client that does not keep up, and who waits until it does. */
export class CallEvents {
  /** Progress that there was no room for; what comes after it never overtakes it. */
  #latest: Buffer | undefined;
  readonly #gate = new Gate();
  #leftOut = 0;

  /** @param push queues a message on the stream */
  constructor(
    private readonly stream: SendStream,
    private readonly push: (type: FrameTypeCode, body: Buffer) => void,
  ) {}

  /** Events that the client does not get. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** See CallOutput.event. */
  event(json: Buffer, droppable: boolean): void {
    if (droppable && this.stream.pending > SLOW_BYTES) {
      if (this.#latest !== undefined) this.#leftOut += 1;
      this.#latest = json;
    } else if (this.stream.pending > FLOOD_BYTES) this.#leftOut += 1;
    else this.send(FrameType.event, json);
  }

  send(type: FrameTypeCode, body: Buffer): void {
    this.#pushLatest();
    this.push(type, body);
  }

  /** See CallOutput.room. */
  room(): Promise<void> | undefined {
    if (!this.#full()) return undefined;
    this.#gate.shut();
    return this.#gate.passage;
  }

  /** Some of what waited is on its way. */
  moved(): void {
    if (this.stream.pending <= SLOW_BYTES) this.#pushLatest();
    if (!this.#full()) this.#gate.open();
  }

  /** Nobody waits for room any more. */
  end(): void {
    this.#latest = undefined;
    this.#gate.open();
  }

  #pushLatest(): void {
    const latest = this.#latest;
    this.#latest = undefined;
    if (latest !== undefined) this.push(FrameType.event, latest);
  }

  #full(): boolean {
    return this.stream.pending > FULL_BYTES;
  }
}
