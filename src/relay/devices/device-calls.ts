import { encodeFrame, type Frame, FrameType } from '../../protocol/frames.js';
import type { LinkSender } from '../../protocol/link-sender.js';
import { encodeCancel, type Hello } from '../../protocol/messages.js';
import { Call, type CallOptions } from './call.js';
import type { CallFailure } from './types.js';

/** Calls given up of which that is said again: more at one time are hardly on their way to an agent. */
const GIVEN_UP = 256;

/** The calls one device is working on, by id; frames find them here and nowhere else. */
export class DeviceCalls {
  readonly #calls = new Map<string, Call>();
  #sender: LinkSender | undefined;
  /**
   * Calls given up since the link began, the newest last; none yet. What was said of it may be lost with the link, and
   * an agent that gets the call itself from an old link after it has written its hello would go on with it for nobody.
   */
  #givenUp: Set<string> | undefined;

  /** Calls whose end is worth waiting for: without those that only listen. */
  get running(): number {
    let running = 0;
    for (const call of this.#calls.values()) if (!call.lasting) running += 1;
    return running;
  }

  /** See Call. */
  get heldBytes(): number {
    let bytes = 0;
    for (const call of this.#calls.values()) bytes += call.heldBytes;
    return bytes;
  }

  /** Begins a call; it goes out now, or with the next link. */
  begin(options: CallOptions): Call {
    const call = new Call(options, (ended, givenUp) => {
      this.#calls.delete(ended.id);
      if (givenUp) this.#giveUp(ended.id);
    });
    this.#calls.set(call.id, call);
    if (this.#sender !== undefined) call.attach(this.#sender, false);
    return call;
  }

  /** Frames of calls that are over are on their way when the agent hears of it: they are let go. */
  frame(frame: Frame): void {
    this.#calls.get(frame.id)?.frame(frame);
  }

  /** What a welcome says: calls this agent has and the relay waits for, and how much of their frames is here. */
  taken(hello: Hello): Record<string, number> {
    const taken: Record<string, number> = {};
    for (const id of hello.calls) {
      const call = this.#calls.get(id);
      if (call !== undefined) taken[id] = call.received;
    }
    // The agent got these on the old link after it had written its hello.
    for (const call of this.#calls.values()) if (call.received > 0) taken[call.id] = call.received;
    return taken;
  }

  /** All calls go on over this link. @param taken what the welcome said */
  attach(sender: LinkSender, taken: Readonly<Record<string, number>>): void {
    this.#sender = sender;
    const body = encodeCancel('nobody waits for it any more');
    for (const id of this.#givenUp ?? []) sender.control(encodeFrame(FrameType.cancel, false, id, body));
    this.#givenUp = undefined;
    for (const call of [...this.#calls.values()]) call.attach(sender, taken[call.id] !== undefined);
  }

  /** Between links. */
  detach(): void {
    this.#sender = undefined;
    for (const call of this.#calls.values()) call.detach();
  }

  /** Ends all calls. @param failure told whether something of the call was sent */
  fail(failure: (dispatched: boolean) => CallFailure): void {
    for (const call of [...this.#calls.values()]) call.fail(failure(call.dispatched));
  }

  #giveUp(id: string): void {
    this.#givenUp ??= new Set();
    this.#givenUp.add(id);
    const [oldest] = this.#givenUp;
    if (oldest !== undefined && this.#givenUp.size > GIVEN_UP) this.#givenUp.delete(oldest);
  }
}
