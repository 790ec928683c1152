import { CALL_WINDOW_BYTES, FULL_FRAME_BYTES } from './frames.js';
import type { SendStream } from './send-stream.js';

/** Bytes handed to the socket and not yet taken by the kernel before calls have to wait. */
const HIGH_WATER_BYTES = 512 * 1024;
/** Of one call as many are in flight at most. */
const SPARE_FRAMES = Math.floor(CALL_WINDOW_BYTES / FULL_FRAME_BYTES);

/** Hands one frame to the socket; `done` is called when the socket has taken it (or failed) and reads it no more. */
export type WriteFrame = (frame: Buffer, done: () => void) => void;

/**
 * Outgoing half of one link: control frames first, then one frame of each waiting call in turn,
 * and never more in the socket than the kernel takes.
 */
export class LinkSender {
  readonly #control: Buffer[] = [];
  readonly #streams = new Map<string, SendStream>();
  /** Streams that may have something to send, in turn. A stream is in here at most once. */
  #ring: SendStream[] = [];
  readonly #waiting = new Set<SendStream>();
  /**
   * Full frames that the socket has taken, for the next ones to lie in while there are calls: a large message would leave
   * garbage as long as itself, and over that the collector stops all calls.
   */
  readonly #spare: Buffer[] = [];
  #inFlight = 0;
  #closed = false;

  constructor(private readonly write: WriteFrame) {}

  /** Sends a frame that belongs to no call's credit. */
  control(frame: Buffer): void {
    if (this.#closed) return;
    this.#control.push(frame);
    this.#pump();
  }

  /** Takes a call's stream on; `wake` it after each push or grant. */
  attach(stream: SendStream): void {
    this.#streams.set(stream.id, stream);
    if (!stream.drained) this.wake(stream);
  }

  detach(stream: SendStream): void {
    this.#streams.delete(stream.id);
    if (this.#streams.size === 0) this.#spare.length = 0;
  }

  stream(id: string): SendStream | undefined {
    return this.#streams.get(id);
  }

  wake(stream: SendStream): void {
    if (this.#closed || this.#waiting.has(stream)) return;
    this.#waiting.add(stream);
    this.#ring.push(stream);
    this.#pump();
  }

  /** Nothing is written after this. */
  close(): void {
    this.#closed = true;
    this.#control.length = 0;
    this.#ring = [];
    this.#waiting.clear();
    this.#streams.clear();
  }

  #pump(): void {
    while (!this.#closed && this.#inFlight < HIGH_WATER_BYTES) {
      const frame = this.#control.shift() ?? this.#nextOfRing();
      if (frame === undefined) return;
      this.#inFlight += frame.length;
      this.write(frame, () => {
        this.#inFlight -= frame.length;
        if (frame.length === FULL_FRAME_BYTES && this.#spare.length < SPARE_FRAMES) this.#spare.push(frame);
        this.#pump();
      });
    }
  }

  #nextOfRing(): Buffer | undefined {
    for (;;) {
      const stream = this.#ring.shift();
      if (stream === undefined) return undefined;
      const frame = this.#streams.get(stream.id) === stream ? this.#take(stream) : undefined;
      if (frame === undefined) {
        this.#waiting.delete(stream);
        continue;
      }
      if (stream.drained) this.#waiting.delete(stream);
      else this.#ring.push(stream);
      return frame;
    }
  }

  #take(stream: SendStream): Buffer | undefined {
    const room = this.#spare.at(-1);
    const frame = stream.next(room);
    if (frame === room) this.#spare.pop();
    return frame;
  }
}
