import { type CallHead, decodeCall } from '../../../protocol/call-messages.js';
import { type Frame, FrameType, NO_ID } from '../../../protocol/frames.js';
import type { LinkSender } from '../../../protocol/link-sender.js';
import { decodeCancel, decodeWindow } from '../../../protocol/messages.js';
import { SendStream } from '../../../protocol/send-stream.js';
import type { AskReply } from '../../servers/types.js';
import { HeldBytes } from './held-bytes.js';
import { IncomingMessages } from './incoming-messages.js';
import { OpenQuestions } from './open-questions.js';

/** Progress is let go of when this much of a call's output waits for a slow client. */
const SLOW_BYTES = 256 * 1024;
/** Everything but the result is, when this much does: a server that floods who does not read is not to take all memory. */
const FLOOD_BYTES = 16 * 1024 * 1024;
/** Finished calls the relay has not confirmed; above this a confirmation is asked for before the next heartbeat. */
const UNCONFIRMED_CALLS = 256;
const UNCONFIRMED_BYTES = 4 * 1024 * 1024;
/**
 * What the calls of one server may hold here before it is read no further: many clients that never read, since one that
 * is slow must not hold up the others.
 */
const HELD_BYTES = 1024 * 1024 * 1024;

export interface CallOutput {
  /** Aborted when the client gave up, the relay forgot the call, or the agent ends. */
  readonly signal: AbortSignal;
  /** JSON text of one JSON-RPC notification for the client. @param droppable it may be left out for a slow client, and not only behind megabytes of others */
  event(json: Buffer, droppable: boolean): void;
  /**
   * Asks the client, and waits for its reply, several at a time if need be. Outlives links, and ends with the call.
   * @param params JSON text on one line; none becomes `{}`
   * @param signal takes the question back; rejects with its reason, or with that of `signal` above
   */
  ask(method: string, params: Uint8Array, signal: AbortSignal): Promise<AskReply>;
}

/** Executes one call. Never rejects but for an aborted signal. */
export type RunCall = (head: CallHead, params: Buffer, output: CallOutput) => Promise<CallAnswer>;

export interface CallAnswer {
  readonly kind: 'result' | 'error';
  /** JSON text of the `result` or `error` member, without CR or LF. */
  readonly json: Buffer;
}

interface Call {
  readonly server: string;
  /** Bytes of the stream that have been counted. */
  held: number;
  readonly stream: SendStream;
  readonly abort: AbortController;
  readonly questions: OpenQuestions;
  /** It waits for events, for as long as the client likes. */
  readonly lasting: boolean;
  /** The link it goes out on; undefined between links. */
  sender: LinkSender | undefined;
  finished: boolean;
  /** Bytes of the answer, once finished. */
  answerBytes: number;
  /** Its last frame had left when the ping under way was sent. */
  marked: boolean;
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
  readonly #calls = new Map<string, Call>();
  /** Calls of which not all pieces have come, by the link they come on: a link's pieces never meet another's. */
  readonly #incoming = new Map<LinkSender, IncomingMessages>();
  readonly #links = new Map<LinkSender, CallLink>();
  #unconfirmed = 0;
  #unconfirmedBytes = 0;

  readonly #held: HeldBytes;

  /** @param holdBack stops the reading of a server's output, or lets it go on */
  constructor(
    private readonly run: RunCall,
    holdBack: (server: string, held: boolean) => void = () => {},
    limit = HELD_BYTES,
  ) {
    const review = () => {
      for (const link of this.#links.values()) link.checkpoint();
    };
    this.#held = new HeldBytes({ limit, holdBack, review });
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
        call.stream.grant(decodeWindow(frame.body));
        this.#count(call);
        call.sender?.wake(call.stream);
        return;
      }
      case FrameType.answer: {
        const call = this.#calls.get(frame.id);
        if (call === undefined || call.finished) return;
        const body = this.#incomingOf(link.sender).take(frame);
        if (body !== undefined) call.questions.answered(body);
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
    const { head, params } = decodeCall(body);
    void this.#execute(frame.id, head, params, link);
  }

  #incomingOf(sender: LinkSender): IncomingMessages {
    let incoming = this.#incoming.get(sender);
    if (incoming === undefined) {
      incoming = new IncomingMessages(sender);
      this.#incoming.set(sender, incoming);
    }
    return incoming;
  }

  /** Sends a call's frames on this link from `offset` on; false when they are no longer there. */
  #move(call: Call, link: CallLink, offset: number): boolean {
    call.sender?.detach(call.stream);
    if (!call.stream.rewind(offset)) return false;
    call.marked = false;
    call.sender = link.sender;
    link.sender.attach(call.stream);
    return true;
  }

  async #execute(id: string, head: CallHead, params: Buffer, link: CallLink): Promise<void> {
    const push = (type: (typeof FrameType)['event' | 'ask' | 'result' | 'error'], body: Buffer): void => {
      call.stream.push(type, body);
      this.#count(call);
      call.sender?.wake(call.stream);
    };
    const questions = new OpenQuestions((body) => push(FrameType.ask, body));
    const call: Call = {
      server: head.server,
      held: 0,
      stream: new SendStream(id),
      abort: new AbortController(),
      questions,
      lasting: head.lasting === true,
      sender: link.sender,
      finished: false,
      answerBytes: 0,
      marked: false,
    };
    this.#calls.set(id, call);
    link.sender.attach(call.stream);
    let answer: CallAnswer;
    try {
      answer = await this.run(head, params, {
        signal: call.abort.signal,
        event: (json, droppable) => {
          if (call.abort.signal.aborted || call.finished) return;
          if (call.stream.pending > (droppable ? SLOW_BYTES : FLOOD_BYTES)) return;
          push(FrameType.event, json);
        },
        ask: (method, question, signal) => questions.ask(method, question, signal),
      });
    } catch (error) {
      if (call.abort.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      answer = { kind: 'error', json: Buffer.from(JSON.stringify({ code: -32603, message })) };
    }
    if (call.abort.signal.aborted) return;
    call.finished = true;
    questions.end(new Error('the call has ended'));
    push(FrameType[answer.kind], answer.json);
    call.answerBytes = answer.json.length;
    this.#unconfirmed += 1;
    this.#unconfirmedBytes += call.answerBytes;
    if (this.#unconfirmed > UNCONFIRMED_CALLS || this.#unconfirmedBytes > UNCONFIRMED_BYTES) link.checkpoint();
  }

  #cancel(frame: Frame, link: CallLink): void {
    const { reason } = decodeCancel(frame.body);
    // It may be known by its first pieces only.
    this.#incoming.get(link.sender)?.end(frame.id);
    const call = this.#calls.get(frame.id);
    if (call !== undefined) this.#forget(frame.id, call, new Error(reason));
  }

  #count(call: Call): void {
    const { retained } = call.stream;
    const more = retained - call.held;
    call.held = retained;
    this.#held.change(call.server, more);
  }

  #forget(id: string, call: Call, reason?: Error): void {
    this.#calls.delete(id);
    this.#held.change(call.server, -call.held);
    for (const incoming of this.#incoming.values()) incoming.end(id);
    call.sender?.detach(call.stream);
    if (!call.finished) {
      call.questions.end(reason);
      call.abort.abort(reason);
      return;
    }
    this.#unconfirmed -= 1;
    this.#unconfirmedBytes -= call.answerBytes;
  }
}
