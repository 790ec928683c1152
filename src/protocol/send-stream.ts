import { CALL_WINDOW_BYTES, encodeFrame, type FrameTypeCode, HEADER_BYTES, MAX_BODY_BYTES } from './frames.js';

interface Message {
  readonly type: FrameTypeCode;
  readonly body: Buffer;
  /** Wire offset of the message's first frame and of the byte behind its last. */
  readonly start: number;
  readonly end: number;
}

/**
 * One call's frames in one direction: cut into pieces, held back by credit, kept until the peer surely has them.
 *
 * Offsets count wire bytes (header and body) from the call's beginning and survive links, so that after a
 * lost link the peer says how far it got and the frames go on from there.
 */
export class SendStream {
  readonly #messages: Message[] = [];
  /** Index into #messages of the message `#sent` points into. */
  #cursor = 0;
  #end = 0;
  #sent = 0;
  #limit: number;

  /** @param window bytes that may go before the peer grants more; Infinity where no credit applies */
  constructor(
    readonly id: string,
    private readonly window: number = CALL_WINDOW_BYTES,
  ) {
    this.#limit = window;
  }

  /** Queues one message; it is sent when `next` comes to it. `body` must not change afterwards. */
  push(type: FrameTypeCode, body: Buffer): void {
    const frames = Math.max(1, Math.ceil(body.length / MAX_BODY_BYTES));
    const start = this.#end;
    this.#end = start + body.length + frames * HEADER_BYTES;
    this.#messages.push({ type, body, start, end: this.#end });
  }

  /**
   * The next frame that credit allows, or undefined when all is sent or the window is full.
   * @param room memory that a full frame may take
   */
  next(room?: Buffer): Buffer | undefined {
    const message = this.#messages[this.#cursor];
    if (message === undefined) return undefined;
    const index = (this.#sent - message.start) / (MAX_BODY_BYTES + HEADER_BYTES);
    const from = index * MAX_BODY_BYTES;
    const to = Math.min(from + MAX_BODY_BYTES, message.body.length);
    const wire = to - from + HEADER_BYTES;
    if (this.#sent + wire > this.#limit) return undefined;
    this.#sent += wire;
    if (this.#sent === message.end) this.#cursor += 1;
    return encodeFrame(message.type, to < message.body.length, this.id, message.body.subarray(from, to), room);
  }

  /** The peer allows wire bytes up to `limit`; what lies a whole window below it has been used and is let go. */
  grant(limit: number): void {
    if (limit <= this.#limit) return;
    this.#limit = limit;
    this.#release(limit - this.window);
  }

  /** After a new link: the peer has wire bytes up to `received`. False when that cannot be (the call cannot go on). */
  rewind(received: number): boolean {
    const oldest = this.#messages[0]?.start ?? this.#end;
    if (received > this.#sent || received < oldest) return false;
    let cursor = this.#messages.findIndex((message) => received < message.end);
    if (cursor === -1) cursor = this.#messages.length;
    const message = this.#messages[cursor];
    if (message !== undefined && (received - message.start) % (MAX_BODY_BYTES + HEADER_BYTES) !== 0) return false;
    this.#cursor = cursor;
    this.#sent = received;
    return true;
  }

  /** All queued messages have been handed out once. */
  get drained(): boolean {
    return this.#cursor === this.#messages.length;
  }

  /** Bytes handed out so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes queued and not yet handed out. */
  get pending(): number {
    return this.#end - this.#sent;
  }

  /** Bytes kept for a possible resend. */
  get retained(): number {
    return this.#end - (this.#messages[0]?.start ?? this.#end);
  }

  #release(acknowledged: number): void {
    while (this.#cursor > 0) {
      const first = this.#messages[0];
      if (first === undefined || first.end > acknowledged) return;
      this.#messages.shift();
      this.#cursor -= 1;
    }
  }
}

/** Receiving half of the credit: how much a call's sender may still send, and when to tell it so. */
export class ReceiveWindow {
  #received = 0;
  #consumed = 0;
  #limit: number;

  constructor(private readonly window: number = CALL_WINDOW_BYTES) {
    this.#limit = window;
  }

  /** Wire bytes received so far; what a `welcome` reports for a running call. */
  get received(): number {
    return this.#received;
  }

  /** The newest limit; said again on a new link, since the old one may have lost it. */
  get limit(): number {
    return this.#limit;
  }

  /** Counts one frame. False when the sender went over its credit: the link is to be closed. */
  receive(wireBytes: number): boolean {
    this.#received += wireBytes;
    return this.#received <= this.#limit;
  }

  /** Bytes that have left towards the next hop. @returns a new limit to send, once half the window is used up */
  consume(wireBytes: number): number | undefined {
    this.#consumed += wireBytes;
    const limit = this.#consumed + this.window;
    if (limit - this.#limit < this.window / 2) return undefined;
    this.#limit = limit;
    return limit;
  }
}
