import { type CallHead, decodeCall } from './call-messages.js';

/** A client sends the same few heads over and over; one that is larger than most is not worth its place. */
const KEPT_HEADS = 64;
const KEPT_BYTES = 2048;

/** Reads `call` messages. A head that has been read before is not parsed again: that is two microseconds of a small call. */
export class CallHeads {
  /** By the bytes of the head; the oldest is first. */
  readonly #known = new Map<string, CallHead>();

  /** @throws MessageError */
  decode(body: Buffer): { readonly head: CallHead; readonly params: Buffer } {
    const end = body.length < 4 ? Number.POSITIVE_INFINITY : 4 + body.readUInt32BE(0);
    if (end > body.length || end > KEPT_BYTES) return decodeCall(body);
    const bytes = body.toString('latin1', 4, end);
    const known = this.#known.get(bytes);
    if (known !== undefined) return { head: known, params: body.subarray(end) };
    const decoded = decodeCall(body);
    const { progressToken, traceparent } = decoded.head;
    // Those are another's with each call.
    if (progressToken === undefined && traceparent === undefined) this.#keep(bytes, decoded.head);
    return decoded;
  }

  #keep(bytes: string, head: CallHead): void {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= KEPT_HEADS) this.#known.delete(oldest);
    this.#known.set(bytes, head);
  }
}
