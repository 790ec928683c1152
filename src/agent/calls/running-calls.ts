import { Assembler } from '../../protocol/assembler.js';
import { type CallHead, decodeCall } from '../../protocol/call-messages.js';
import { encodeFrame, type Frame, FrameType, HEADER_BYTES, NO_ID } from '../../protocol/frames.js';
import type { LinkSender } from '../../protocol/link-sender.js';
import { decodeCancel, decodeWindow, encodeWindow } from '../../protocol/messages.js';
import { ReceiveWindow, SendStream } from '../../protocol/send-stream.js';
import type { AskReply } from '../servers/types.js';

/** Largest `call` message: a relay's request bodies have 64 MiB at most, and a head comes before what is in them. */
const CALL_BYTES = 65 * 1024 * 1024;
const OPEN_CALLS = 1024;
/** Progress is let go of when this much of a call's output waits for a slow client; results and logs never are. */
const SLOW_BYTES = 256 * 1024;
/** Finished calls the relay has not confirmed; above this a confirmation is asked for before the next heartbeat. */
const UNCONFIRMED_CALLS = 256;
const UNCONFIRMED_BYTES = 4 * 1024 * 1024;

export interface CallOutput {
  /** Aborted when the client gave up, the relay forgot the call, or the agent ends. */
  readonly signal: AbortSignal;
  /** JSON text of one JSON-RPC notification for the client. @param droppable it may be left out for a slow client */
  event(json: Buffer, droppable: boolean): void;
  /**
   * Asks the client, and waits for its reply. Outlives links.
   * @param params JSON text on one line
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
  readonly stream: SendStream;
  readonly abort: AbortController;
  /** The link it goes out on; undefined between links. */
  sender: LinkSender | undefined;
  finished: boolean;
  /** Bytes of the answer, once finished. */
  answerBytes: number;
  /** Its last frame had left when the ping under way was sent. */
  marked: boolean;
}

interface Incoming {
  readonly assembler: Assembler;
  readonly windows: Map<string, ReceiveWindow>;
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
  readonly #incoming = new Map<LinkSender, Incoming>();
  #unconfirmed = 0;
  #unconfirmedBytes = 0;

  constructor(private readonly run: RunCall) {}

  /** Calls executing now. */
  get running(): number {
    return this.#calls.size - this.#unconfirmed;
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
        call.sender?.wake(call.stream);
        return;
      }
      default:
        // `answer` belongs to server requests, which this agent refuses itself.
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
  }

  #receive(frame: Frame, link: CallLink): void {
    const { assembler, windows } = this.#incomingOf(link.sender);
    let window = windows.get(frame.id);
    if (frame.more || window !== undefined) {
      if (window === undefined) {
        window = new ReceiveWindow();
        windows.set(frame.id, window);
      }
      const bytes = frame.body.length + HEADER_BYTES;
      if (!window.receive(bytes)) throw new Error('call over its credit');
      const limit = window.consume(bytes);
      if (limit !== undefined) {
        link.sender.control(encodeFrame(FrameType.window, false, frame.id, encodeWindow(limit)));
      }
    }
    const body = assembler.add(frame);
    if (body === undefined) return;
    windows.delete(frame.id);
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

  #incomingOf(sender: LinkSender): Incoming {
    let incoming = this.#incoming.get(sender);
    if (incoming === undefined) {
      incoming = { assembler: new Assembler(CALL_BYTES, OPEN_CALLS), windows: new Map() };
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
    const call: Call = {
      stream: new SendStream(id),
      abort: new AbortController(),
      sender: link.sender,
      finished: false,
      answerBytes: 0,
      marked: false,
    };
    this.#calls.set(id, call);
    link.sender.attach(call.stream);
    const push = (type: (typeof FrameType)['event' | 'result' | 'error'], body: Buffer): void => {
      call.stream.push(type, body);
      call.sender?.wake(call.stream);
    };
    let answer: CallAnswer;
    try {
      answer = await this.run(head, params, {
        signal: call.abort.signal,
        event: (json, droppable) => {
          if (call.abort.signal.aborted || call.finished) return;
          if (droppable && call.stream.pending > SLOW_BYTES) return;
          push(FrameType.event, json);
        },
        ask: () => Promise.resolve({ kind: 'error', error: { code: -32601, message: 'cannot be asked' } }),
      });
    } catch (error) {
      if (call.abort.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      answer = { kind: 'error', json: Buffer.from(JSON.stringify({ code: -32603, message })) };
    }
    if (call.abort.signal.aborted) return;
    call.finished = true;
    push(FrameType[answer.kind], answer.json);
    call.answerBytes = answer.json.length;
    this.#unconfirmed += 1;
    this.#unconfirmedBytes += call.answerBytes;
    if (this.#unconfirmed > UNCONFIRMED_CALLS || this.#unconfirmedBytes > UNCONFIRMED_BYTES) link.checkpoint();
  }

  #cancel(frame: Frame, link: CallLink): void {
    const { reason } = decodeCancel(frame.body);
    const incoming = this.#incoming.get(link.sender);
    incoming?.assembler.drop(frame.id);
    incoming?.windows.delete(frame.id);
    const call = this.#calls.get(frame.id);
    if (call !== undefined) this.#forget(frame.id, call, new Error(reason));
  }

  #forget(id: string, call: Call, reason?: Error): void {
    this.#calls.delete(id);
    call.sender?.detach(call.stream);
    if (!call.finished) {
      call.abort.abort(reason);
      return;
    }
    this.#unconfirmed -= 1;
    this.#unconfirmedBytes -= call.answerBytes;
  }
}
