import type { CallLink } from '../../src/agent/calls/wire/running-calls.js';
import type { LinkSender } from '../../src/protocol/link-sender.js';

type Packet = Buffer | 'ping' | 'pong';

/** One direction of a link: what the sender's process holds, and what is on its way. */
export class Wire {
  readonly #held: { readonly frame: Buffer; readonly done: () => void }[] = [];
  readonly way: Packet[] = [];

  readonly write = (frame: Buffer, done: () => void): void => void this.#held.push({ frame, done });

  /** The system takes it: from here on its memory is the sender's to use again. */
  take(count: number): void {
    for (const { frame, done } of this.#held.splice(0, count)) {
      this.way.push(Buffer.from(frame));
      done();
    }
  }

  /** Behind all that was written before. */
  mark(what: 'ping' | 'pong'): void {
    this.take(this.#held.length);
    this.way.push(what);
  }
}

/** A link. */
export interface Ends {
  readonly toAgent: Wire;
  readonly toRelay: Wire;
  readonly relay: LinkSender;
  readonly agent: CallLink;
}
