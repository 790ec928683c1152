import { HEADER_BYTES } from '../../protocol/frames.js';
import { ReceiveWindow } from '../../protocol/send-stream.js';

/** Turns body bytes that have left towards the client into wire bytes of credit for the agent. */
export class CallCredit {
  readonly #window = new ReceiveWindow();
  /** Frames whose bodies were handed on, oldest first: body bytes not yet consumed. */
  readonly #frames: { left: number; readonly wire: number }[] = [];

  /** Wire bytes received so far. */
  get received(): number {
    return this.#window.received;
  }

  /** The newest limit told to the agent. */
  get limit(): number {
    return this.#window.limit;
  }

  /** Counts one frame. False when the agent went over its credit. */
  receive(bodyBytes: number): boolean {
    return this.#window.receive(bodyBytes + HEADER_BYTES);
  }

  /** The received frame is used up here and will never be reported by `consumed`. @returns a limit to send */
  skip(bodyBytes: number): number | undefined {
    return this.#window.consume(bodyBytes + HEADER_BYTES);
  }

  /** @param given body bytes handed on with this frame: more than its own when it completes a message */
  handOn(given: number, frameBodyBytes: number): void {
    this.#frames.push({ left: given, wire: frameBodyBytes + HEADER_BYTES });
  }

  /** Body bytes that have left towards the client. @returns a limit to send */
  consumed(bytes: number): number | undefined {
    let rest = bytes;
    let wire = 0;
    for (;;) {
      const frame = this.#frames[0];
      if (frame === undefined || frame.left > rest) {
        if (frame !== undefined) frame.left -= rest;
        break;
      }
      rest -= frame.left;
      wire += frame.wire;
      this.#frames.shift();
    }
    return wire === 0 ? undefined : this.#window.consume(wire);
  }
}
