import { Assembler } from '../../../protocol/assembler.js';
import { encodeFrame, type Frame, FrameType, HEADER_BYTES } from '../../../protocol/frames.js';
import type { LinkSender } from '../../../protocol/link-sender.js';
import { encodeWindow } from '../../../protocol/messages.js';
import { ReceiveWindow } from '../../../protocol/send-stream.js';

/** Largest `call` or `answer` message: a relay's request bodies have 64 MiB at most, and a head comes before what is in them. */
const MESSAGE_BYTES = 65 * 1024 * 1024;
const OPEN_MESSAGES = 1024;

/**
 * `call` and `answer` frames of one link, put together, with their credit given back as they come. The relay begins
 * each call's stream anew on a new link, so what has come on one link says nothing of another.
 */
export class IncomingMessages {
  readonly #assembler = new Assembler(MESSAGE_BYTES, OPEN_MESSAGES);
  readonly #windows = new Map<string, ReceiveWindow>();

  constructor(private readonly sender: LinkSender) {}

  /** @returns the message once all of it is there. @throws Error, MessageError: the link is to be closed as broken */
  take(frame: Frame): Buffer | undefined {
    let window = this.#windows.get(frame.id);
    if (window === undefined) {
      window = new ReceiveWindow();
      this.#windows.set(frame.id, window);
    }
    const bytes = frame.body.length + HEADER_BYTES;
    if (!window.receive(bytes)) throw new Error('call over its credit');
    const limit = window.consume(bytes);
    if (limit !== undefined) {
      this.sender.control(encodeFrame(FrameType.window, false, frame.id, encodeWindow(limit)));
    }
    return this.#assembler.add(frame);
  }

  /** Nothing more of this call is of use. */
  end(id: string): void {
    this.#assembler.drop(id);
    this.#windows.delete(id);
  }
}
