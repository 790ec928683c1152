import { keptPiece, tooManyPieces } from '../../protocol/assembler.js';
import { encodeFrame, type Frame, FrameType } from '../../protocol/frames.js';
import type { LinkSender } from '../../protocol/link-sender.js';
import { decodeWindow, encodeCancel, encodeWindow } from '../../protocol/messages.js';
import { SendStream } from '../../protocol/send-stream.js';
import { CallCredit } from './call-credit.js';
import { CallQuestions } from './call-questions.js';
import { Deadline } from './deadline.js';
import * as failures from './failures.js';
import { GatheredMessage, wrongPiece } from './gathered-message.js';
import { LinkViolation } from './link.js';
import type { CallFailure, CallSink } from './types.js';

/** An agent that is not known to have these gets no more. */
const KEPT_ANSWER_BYTES = 8 * 1024 * 1024;
const LF = 10;
const CR = 13;

export interface CallOptions {
  /** See CallIds. */
  readonly id: string;
  /** See callBody. */
  readonly body: Buffer;
  /** No deadline. */
  readonly lasting: boolean;
  readonly sink: CallSink;
  readonly deviceName: string;
  readonly resultBytes: number;
  readonly callMs: number;
  readonly callMaxMs: number;
  /** Runs once, whatever the end. */
  readonly ended: () => void;
}

/** One call a device is working on: its bytes out, its frames back, its time. Outlives links. */
export class Call {
  readonly id: string;
  /** It only listens: no work of a client's is lost with it. */
  readonly lasting: boolean;
  readonly #deviceName: string;
  readonly #resultBytes: number;
  readonly #credit = new CallCredit();
  /** None for a lasting call. */
  #deadline: Deadline | undefined;
  /**
   * Let go of at the end, with all that is optional here: a map that was made anew leaves its former table behind, with
   * the calls that ran then, and what that leads to lives until the next full collection of garbage. That was 10 KiB
   * for each small call, and a fifth of the relay's CPU.
   */
  #sink: CallSink | undefined;
  /** Runs once, whatever the end. */
  #ending: ((givenUp: boolean) => void) | undefined;
  /** None until the first question. */
  #questions: CallQuestions | undefined;
  /** The `call` message; let go once the agent is known to have all of it. */
  #body: Buffer | undefined;
  /** The `call` and the `answer`s of this link; begun anew on each. */
  #stream: SendStream | undefined;
  #sender: LinkSender | undefined;
  /** On an earlier link a part of it was sent, and how far that got is not known. */
  #sentBefore = false;
  /** Its last piece is still to come. */
  #gathered: GatheredMessage | undefined;
  #answer: 'result' | 'error' | undefined;
  #answerBytes = 0;
  #answerPieces = 0;

  /** @param over told first when it ends, and then `options.ended`; `givenUp`: the agent may have it, and is to end it */
  constructor(
    { id, body, lasting, sink, ended, deviceName, ...limits }: CallOptions,
    over: (call: Call, givenUp: boolean) => void,
  ) {
    this.id = id;
    this.lasting = lasting;
    this.#body = body;
    this.#sink = sink;
    this.#deviceName = deviceName;
    this.#resultBytes = limits.resultBytes;
    this.#ending = (givenUp) => {
      over(this, givenUp);
      ended();
    };
    if (lasting) return;
    const { callMs, callMaxMs } = limits;
    this.#deadline = new Deadline(callMs, callMaxMs, (total) => {
      const seconds = (total ? callMaxMs : callMs) / 1000;
      this.#end(failures.timeout(deviceName, seconds, this.dispatched, total), 'timeout');
    });
  }

  /** Some of it was handed to a socket: it may have run. */
  get dispatched(): boolean {
    return this.#sentBefore || (this.#stream !== undefined && this.#stream.sent > 0);
  }

  /** Wire bytes of this call's frames received so far. */
  get received(): number {
    return this.#credit.received;
  }

  /**
   * Bytes of what the agent is not known to have, and of a message that is not whole. An answer that is on its way
   * counts twice; what the sink was given is the sink's.
   */
  get heldBytes(): number {
    const outgoing = Math.max(this.#body?.length ?? 0, this.#stream?.retained ?? 0);
    return outgoing + (this.#questions?.kept ?? 0) + (this.#gathered?.bytes ?? 0);
  }

  /** Goes out on this link from now on. @param agentHasIt the agent said in hello that it has received this call */
  attach(sender: LinkSender, agentHasIt: boolean): void {
    this.#sender = sender;
    // An agent counts what comes for a call from zero on each link.
    this.#stream = new SendStream(this.id);
    if (agentHasIt || this.#body === undefined) {
      // The agent has it. Credit given on the old link may have been lost with it, and so may answers.
      this.#body = undefined;
      this.#sentBefore = true;
      sender.control(encodeFrame(FrameType.window, false, this.id, encodeWindow(this.#credit.limit)));
      for (const answer of this.#questions?.unconfirmed ?? []) this.#stream.push(FrameType.answer, answer);
    } else {
      // The agent never had all of it, so it has not run.
      this.#sentBefore = false;
      this.#stream.push(FrameType.call, this.#body);
    }
    sender.attach(this.#stream);
  }

  /** Its link is gone. */
  detach(): void {
    this.#sentBefore = this.dispatched;
    if (this.#stream !== undefined) this.#sender?.detach(this.#stream);
    this.#stream = undefined;
    this.#sender = undefined;
  }

  /** One of the agent's frames for this call. @throws LinkViolation, MessageError */
  frame(frame: Frame): void {
    if (frame.type === FrameType.window) {
      this.#stream?.grant(decodeWindow(frame.body));
      if (this.#stream !== undefined) this.#sender?.wake(this.#stream);
      return;
    }
    if (!this.#credit.receive(frame.body.length)) throw new LinkViolation('more than its credit');
    this.#body = undefined;
    this.#deadline?.progress();
    const { type } = frame;
    if (type === FrameType.event || type === FrameType.ask) {
      this.#onMessage(type === FrameType.ask ? 'ask' : 'event', frame);
    } else this.#onPiece(type === FrameType.error ? 'error' : 'result', frame);
  }

  /** The client gives up: the agent is told, the sink hears nothing more. */
  cancel(reason: string): void {
    this.#end(undefined, reason);
  }

  fail(failure: CallFailure): void {
    this.#end(failure, failure.code);
  }

  /** Bytes given to the sink that have left towards the client. */
  consumed(bytes: number): void {
    if (this.#sink !== undefined) this.#grant(this.#credit.consumed(bytes));
  }

  /** The client's reply to a question; let go when the question is no longer open. */
  answer(ask: number, kind: 'result' | 'error', json: Buffer): void {
    if (this.#sink === undefined) return;
    const questions = this.#questions;
    if (questions === undefined) return;
    if (questions.kept > KEPT_ANSWER_BYTES) {
      this.#broken('nothing to say that it has the answers to its questions');
      return;
    }
    const body = questions.answer(ask, kind, json);
    if (body === undefined) return;
    this.#deadline?.hold(questions.waiting);
    // Between links it waits with the others for the next one.
    if (this.#stream === undefined) return;
    this.#stream.push(FrameType.answer, body);
    this.#sender?.wake(this.#stream);
  }

  #onMessage(kind: 'event' | 'ask', frame: Frame): void {
    const wrong = this.#wrongMessage(kind, frame);
    if (wrong !== undefined) {
      this.#broken(wrong);
      return;
    }
    if (frame.more) {
      this.#gathered ??= new GatheredMessage(kind);
      this.#gathered.add(frame.body);
      // Otherwise a message larger than the window would wait for itself.
      this.#grant(this.#credit.skip(frame.body.length));
      return;
    }
    const whole = this.#gathered?.whole(frame.body) ?? frame.body;
    this.#gathered = undefined;
    if (kind === 'ask') {
      this.#onAsk(whole, frame);
      return;
    }
    this.#credit.handOn(whole.length, frame.body.length);
    this.#sink?.event(whole);
  }

  #wrongMessage(kind: 'event' | 'ask', frame: Frame): string | undefined {
    if (this.#answer !== undefined) return 'something else in its answer';
    // A question's head may begin with any bytes: its params are looked at when it is whole.
    return wrongPiece(kind, this.#gathered, frame.body) ?? wrongBytes(frame.body, kind === 'event');
  }

  #onAsk(body: Buffer, last: Frame): void {
    if (this.#sink === undefined) return;
    this.#questions ??= new CallQuestions(this.#sink);
    const questions = this.#questions;
    const wrong = questions.take(body);
    // The sink may have ended the call.
    if (this.#sink === undefined) return;
    if (wrong !== undefined) {
      this.#broken(wrong);
      return;
    }
    this.#deadline?.hold(questions.waiting);
    // A question is not reported by `consumed`: CallQuestions limits how much of them there may be.
    this.#grant(this.#credit.skip(last.body.length));
  }

  #onPiece(kind: 'result' | 'error', frame: Frame): void {
    this.#answerBytes += frame.body.length;
    this.#answerPieces += 1;
    if (this.#answerBytes > this.#resultBytes) {
      this.#end(failures.tooLarge(this.#deviceName, this.#resultBytes), 'too_large');
      return;
    }
    const wrong = this.#wrongAnswer(kind, frame);
    if (wrong !== undefined) {
      this.#broken(wrong);
      return;
    }
    this.#answer = kind;
    const sink = this.#sink;
    if (frame.more) this.#credit.handOn(frame.body.length, frame.body.length);
    else this.#finish();
    // A client that does not read holds it.
    sink?.piece(kind, frame.more ? keptPiece(frame.body) : frame.body, !frame.more);
  }

  #wrongAnswer(kind: 'result' | 'error', { body }: Frame): string | undefined {
    if (this.#gathered !== undefined || (this.#answer !== undefined && this.#answer !== kind)) {
      return 'an answer within something else';
    }
    if (tooManyPieces(this.#answerPieces, this.#answerBytes)) return 'an answer in too many pieces';
    return wrongBytes(body);
  }

  #grant(limit: number | undefined): void {
    if (limit === undefined) return;
    // Without a link the limit is said again when the next one comes.
    this.#sender?.control(encodeFrame(FrameType.window, false, this.id, encodeWindow(limit)));
  }

  #broken(what: string): void {
    this.#end(failures.protocol(this.#deviceName, what), 'protocol');
  }

  /** Ends without an answer of the agent's, which is told unless nothing of the call was ever sent. */
  #end(failure: CallFailure | undefined, reason: string): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const { dispatched } = this;
    const sender = this.#sender;
    this.#finish(dispatched);
    if (dispatched) sender?.control(encodeFrame(FrameType.cancel, false, this.id, encodeCancel(reason)));
    if (failure !== undefined) sink.fail(failure);
  }

  #finish(givenUp = false): void {
    const ending = this.#ending;
    this.#sink = undefined;
    this.#ending = undefined;
    this.#questions = undefined;
    this.#body = undefined;
    this.#gathered = undefined;
    this.#deadline?.stop();
    this.#deadline = undefined;
    this.detach();
    ending?.(givenUp);
  }
}

/** What the sink cannot take: it writes lines, and it reports bytes, without which no credit comes back. */
function wrongBytes(bytes: Buffer, text = true): string | undefined {
  if (bytes.length === 0) return 'an empty frame';
  if (!text) return undefined;
  return bytes.includes(LF) || bytes.includes(CR) ? 'a line break' : undefined;
}
