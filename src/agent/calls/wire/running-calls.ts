import { CallHeads } from '../../../protocol/call-heads.js';
import type { CallHead } from '../../../protocol/call-messages.js';
import { type Frame, FrameType, NO_ID } from '../../../protocol/frames.js';
import type { LinkSender } from '../../../protocol/link-sender.js';
import { decodeCancel, decodeWindow } from '../../../protocol/messages.js';
import { FULL_BYTES } from './call-events.js';
import { HeldBytes } from './held-bytes.js';
import { IncomingMessages } from './incoming-messages.js';
import { type CallAnswer, type CallOutput, RunningCall } from './running-call.js';
import { ServerHolds } from './server-holds.js';
import { Uploads } from './uploads.js';

/** Finished calls the relay has not confirmed; above this a confirmation is asked for before the next heartbeat. */
const UNCONFIRMED_CALLS = 256;
const UNCONFIRMED_BYTES = 4 * 1024 * 1024;
/**
 * What the calls of one server may hold here before it is read no further: many clients that never read, since one that
 * is slow must not hold up the others.
 */
const HELD_BYTES = 1024 * 1024 * 1024;

/**
 * Calls at a time, those that only listen included, and what their params may be. A relay takes no more for one device,
 * unless its own limits are set far above what they are. Hello lists them all, and has room for 20,000.
 */
const MAX_CALLS = 16_384;
const MAX_PARAMS_BYTES = 1024 * 1024 * 1024;

const BUSY: CallAnswer = {
  kind: 'error',
  json: Buffer.from(
    JSON.stringify({
      code: -32603,
      message:
        'This agent is busy with as many calls as it takes. The call was not run. Wait for one to end, then call again.',
    }),
  ),
};

/** Executes one call. Never rejects but for an aborted signal. */
export type RunCall = (head: CallHead, params: Buffer, output: CallOutput) => Promise<CallAnswer>;

export interface RunningCallsOptions {
  /** Stops the reading of a server's output, or lets it go on. */
  holdBack?(server: string, held: boolean): void;
  /** See UploadsOptions. */
  unread?(server: string, session: string): number;
  /** What the calls of one server may hold; 1 GiB unless given. */
  readonly heldBytes?: number;
  /** What may run at a time; 16,384 calls of 1 GiB together unless given. */
  readonly most?: { readonly calls: number; readonly paramsBytes: number };
}

/** What the connection under the calls can do besides sending. */
export interface CallLink {
  readonly sender: LinkSender;
  checkpoint(): void;
}

/**
 * The calls this agent has received: each runs to its end whatever becomes of the link, and its frames are kept
 * until the relay surely has them. A call id is executed at most once.
 */
export class RunningCalls {
  readonly #calls = new Map<string, RunningCall>();
  /** Calls of which not all pieces have come, by the link they come on: a link's pieces never meet another's. */
  readonly #incoming = new Map<LinkSender, IncomingMessages>();
  readonly #links = new Map<LinkSender, CallLink>();
  #executing = 0;
  #paramsBytes = 0;
  #unconfirmed = 0;
  #unconfirmedBytes = 0;

  readonly #heads = new CallHeads();
  readonly #held: HeldBytes;
  readonly #holds: ServerHolds;

  /** Messages that come in pieces, on all links. */
  readonly #uploads: Uploads;
  readonly #most: { readonly calls: number; readonly paramsBytes: number };

  constructor(
    private readonly run: RunCall,
    { holdBack = () => {}, unread = () => 0, heldBytes: limit = HELD_BYTES, most }: RunningCallsOptions = {},
  ) {
    this.#most = most ?? { calls: MAX_CALLS, paramsBytes: MAX_PARAMS_BYTES };
    this.#uploads = new Uploads({ unread });
    const review = () => {
      for (const link of this.#links.values()) link.checkpoint();
    };
    const holds = new ServerHolds(() => this.#calls.values(), holdBack);
    this.#holds = holds;
    this.#held = new HeldBytes({ limit, holdBack: (server, held) => holds.set(server, 'bytes', held), review });
  }

  /** Calls executing now, without those that only listen. */
  get running(): number {
    let running = 0;
    for (const call of this.#calls.values()) if (!call.finished && !call.lasting) running += 1;
    return running;
  }

  /** Bytes of output that the calls of one server hold, until the relay surely has them. */
  heldBytes(server: string): number {
    return this.#held.of(server);
  }

  /** Bytes: see HeldMemory. */
  get held(): { readonly requests: number; readonly uploads: number; readonly results: number } {
    return { requests: this.#paramsBytes, uploads: this.#uploads.bytes, results: this.#held.total };
  }

  /** Some server has read of its input: what waits for that may come. */
  inputRead(): void {
    this.#uploads.review();
  }

  /** For hello: the calls that a new link may take up, which are those of no draining link. */
  resumable(draining: ReadonlySet<LinkSender>): string[] {
    const ids: string[] = [];
    for (const [id, call] of this.#calls) if (call.sender === undefined || !draining.has(call.sender)) ids.push(id);
    return ids;
  }

  /**
   * A new link: frames go on from what the relay has; calls it no longer waits for are cancelled.
   *
   * @param offered what hello said; the relay may name calls beyond it, which reached this agent after hello was written
   */
  attach(link: CallLink, offered: readonly string[], received: Readonly<Record<string, number>>): void {
    this.#links.set(link.sender, link);
    for (const id of new Set([...offered, ...Object.keys(received)])) {
      const call = this.#calls.get(id);
      if (call === undefined) continue;
      const offset = received[id];
      if (offset === undefined || !this.#move(call, link, offset)) {
        this.#forget(id, call, new Error('the relay no longer waits for this call'));
      }
    }
  }

  /** A link is gone; its calls go on and wait for the next one. */
  detach(sender: LinkSender): void {
    for (const call of this.#calls.values()) if (call.sender === sender) call.sender = undefined;
    this.#incoming.get(sender)?.close();
    this.#incoming.delete(sender);
    this.#links.delete(sender);
  }

  /** @throws MessageError or Error: the link is to be closed as broken */
  frame(frame: Frame, link: CallLink): void {
    switch (frame.type) {
      case FrameType.call:
        this.#receive(frame, link);
        return;
      case FrameType.cancel:
        this.#cancel(frame, link);
        return;
      case FrameType.window: {
        const call = this.#calls.get(frame.id);
        if (call === undefined) return;
        call.grant(decodeWindow(frame.body));
        this.#count(call);
        if (call.stream.drained) this.#confirm(link);
        return;
      }
      case FrameType.answer: {
        const call = this.#calls.get(frame.id);
        if (call === undefined || call.finished) return;
        const body = this.#incomingOf(link.sender).take(frame);
        if (body !== undefined) call.answered(body);
        return;
      }
      default:
        return;
    }
  }

  /** A ping goes out on this link: what has left on it by now is confirmed by its pong. */
  mark(sender: LinkSender): void {
    for (const call of this.#calls.values()) {
      if (call.sender === sender) call.marked = call.finished && call.stream.drained;
    }
  }

  /** The pong of that ping is there. */
  delivered(sender: LinkSender): void {
    for (const [id, call] of this.#calls) if (call.marked && call.sender === sender) this.#forget(id, call);
  }

  /** Cancels all that runs. */
  close(): void {
    for (const [id, call] of this.#calls) this.#forget(id, call, new Error('the agent ends'));
    this.#held.close();
  }

  #receive(frame: Frame, link: CallLink): void {
    const body = this.#incomingOf(link.sender).take(frame);
    if (body === undefined) return;
    if (frame.id === NO_ID) throw new Error('call without an id');
    const known = this.#calls.get(frame.id);
    if (known !== undefined) {
      // It came on the old link while this one was being greeted: not executed again, told from the beginning here.
      if (!this.#move(known, link, 0)) throw new Error('call sent twice');
      return;
    }
    const { head, params } = this.#heads.decode(body);
    void this.#execute(frame.id, head, params, link);
  }

  #incomingOf(sender: LinkSender): IncomingMessages {
    let incoming = this.#incoming.get(sender);
    if (incoming === undefined) {
      incoming = new IncomingMessages(sender, this.#uploads);
      this.#incoming.set(sender, incoming);
    }
    return incoming;
  }

  /** Sends a call's frames on this link from `offset` on; false when they are no longer there. */
  #move(call: RunningCall, link: CallLink, offset: number): boolean {
    call.sender?.detach(call.stream);
    if (!call.stream.rewind(offset)) return false;
    call.marked = false;
    call.sender = link.sender;
    link.sender.attach(call.stream);
    return true;
  }

  async #execute(id: string, head: CallHead, params: Buffer, link: CallLink): Promise<void> {
    const call = new RunningCall(id, head, link.sender, this.#count);
    const busy = this.#executing >= this.#most.calls || this.#paramsBytes + params.length > this.#most.paramsBytes;
    call.paramsBytes = params.length;
    this.#executing += 1;
    this.#paramsBytes += params.length;
    this.#calls.set(id, call);
    this.#holds.began(call.server);
    link.sender.attach(call.stream);
    let answer: CallAnswer;
    try {
      answer = busy ? BUSY : await this.run(head, params, call);
    } catch (error) {
      if (call.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      answer = { kind: 'error', json: Buffer.from(JSON.stringify({ code: -32603, message })) };
    }
    if (call.signal.aborted) return;
    call.finish(answer);
    this.#ended(call);
    this.#unconfirmed += 1;
    this.#unconfirmedBytes += call.answerBytes;
    this.#confirm(link);
  }

  /** Asks the relay whether it has what has gone, where that is much. */
  #confirm(link: CallLink): void {
    if (this.#unconfirmed > UNCONFIRMED_CALLS || this.#unconfirmedBytes > UNCONFIRMED_BYTES) link.checkpoint();
  }

  /** It executes no longer. */
  #ended(call: RunningCall): void {
    this.#executing -= 1;
    this.#paramsBytes -= call.paramsBytes;
    call.paramsBytes = 0;
    this.#holds.ended(call);
  }

  #cancel(frame: Frame, link: CallLink): void {
    const { reason } = decodeCancel(frame.body);
    // It may be known by its first pieces only.
    this.#incoming.get(link.sender)?.end(frame.id);
    const call = this.#calls.get(frame.id);
    if (call !== undefined) this.#forget(frame.id, call, new Error(reason));
  }

  readonly #count = (call: RunningCall): void => {
    const { retained } = call.stream;
    const more = retained - call.held;
    call.held = retained;
    this.#held.change(call.server, more);
    // One that has ended is nothing to read a server for.
    if (!call.finished) this.#holds.count(call, call.stream.pending > FULL_BYTES);
  };

  #forget(id: string, call: RunningCall, reason?: Error): void {
    this.#calls.delete(id);
    this.#held.change(call.server, -call.held);
    for (const incoming of this.#incoming.values()) incoming.end(id);
    call.sender?.detach(call.stream);
    if (!call.finished) {
      this.#ended(call);
      call.abort(reason);
      return;
    }
    call.confirmed();
    this.#unconfirmed -= 1;
    this.#unconfirmedBytes -= call.answerBytes;
  }
}
