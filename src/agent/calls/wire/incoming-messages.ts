import { Assembler } from '../../../protocol/assembler.js';
import { placeOf } from '../../../protocol/call-messages.js';
import { encodeFrame, type Frame, FrameType, HEADER_BYTES } from '../../../protocol/frames.js';
import type { LinkSender } from '../../../protocol/link-sender.js';
import { encodeWindow } from '../../../protocol/messages.js';
import { ReceiveWindow } from '../../../protocol/send-stream.js';
import type { Upload, Uploads } from './uploads.js';

/** Largest `call` or `answer` message: a relay's request bodies have 64 MiB at most, and a head comes before what is in them. */
const MESSAGE_BYTES = 65 * 1024 * 1024;
/** As many as calls: a relay that is allowed more large ones at a time than this must not lose its link over it. */
const OPEN_MESSAGES = 16_384;
const NOWHERE = { server: '', session: '' };

/**
 * `call` and `answer` frames of one link, put together, with their credit given back as Uploads allows. The relay begins
 * each call's stream anew on a new link, so what has come on one link says nothing of another.
 */
export class IncomingMessages {
  readonly #assembler = new Assembler(MESSAGE_BYTES, OPEN_MESSAGES);
  readonly #windows = new Map<string, ReceiveWindow>();
  /** Messages of which the last piece is still to come, by the id of their call. */
  readonly #uploads = new Map<string, Upload>();

  constructor(
    private readonly sender: LinkSender,
    private readonly uploads: Uploads,
  ) {}

  /** @returns the message once all of it is there. @throws Error, MessageError: the link is to be closed as broken */
  take(frame: Frame): Buffer | undefined {
    let window = this.#windows.get(frame.id);
    if (window === undefined) {
      window = new ReceiveWindow();
      this.#windows.set(frame.id, window);
    }
    const bytes = frame.body.length + HEADER_BYTES;
    if (!window.receive(bytes)) throw new Error('call over its credit');
    if (frame.more || this.#uploads.size > 0) return this.#piece(frame, window, bytes);
    this.#grant(frame.id, window, bytes);
    return this.#assembler.add(frame);
  }

  /** Nothing more of this call is of use. */
  end(id: string): void {
    this.#assembler.drop(id);
    this.#windows.delete(id);
    this.#endUpload(id);
  }

  /** The link is gone. */
  close(): void {
    for (const id of [...this.#uploads.keys()]) this.end(id);
  }

  #piece(frame: Frame, window: ReceiveWindow, bytes: number): Buffer | undefined {
    const { id } = frame;
    // First, since it says what is wrong with a frame.
    const whole = this.#assembler.add(frame);
    let upload = this.#uploads.get(id);
    if (frame.more && upload === undefined) {
      // An answer goes to nobody's input: the call it belongs to waits for it.
      const { server, session } = (frame.type === FrameType.call ? placeOf(frame.body) : undefined) ?? NOWHERE;
      upload = this.uploads.begin(server, session);
      this.#uploads.set(id, upload);
    }
    if (upload === undefined || !frame.more) {
      this.#grant(id, window, bytes + (upload?.owed ?? 0));
      if (upload !== undefined) this.#endUpload(id);
      return whole;
    }
    this.uploads.add(upload, bytes, (owed) => this.#grant(id, window, owed));
    return whole;
  }

  #endUpload(id: string): void {
    const upload = this.#uploads.get(id);
    if (upload === undefined) return;
    this.#uploads.delete(id);
    this.uploads.end(upload);
  }

  #grant(id: string, window: ReceiveWindow, bytes: number): void {
    const limit = window.consume(bytes);
    if (limit !== undefined) this.sender.control(encodeFrame(FrameType.window, false, id, encodeWindow(limit)));
  }
}
