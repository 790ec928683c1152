import { FrameType } from '../../../protocol/frames.js';
import type { LinkSender } from '../../../protocol/link-sender.js';
import { SendStream } from '../../../protocol/send-stream.js';
import { CallAbort, type CallSignal } from '../../servers/call-signal.js';
import type { AskReply } from '../../servers/types.js';
import { OpenQuestions } from './open-questions.js';

/** Progress is let go of when this much of a call's output waits for a slow client. */
const SLOW_BYTES = 256 * 1024;
/** Everything but the result is, when this much does: a server that floods who does not read is not to take all memory. */
const FLOOD_BYTES = 16 * 1024 * 1024;

export interface CallOutput {
  /** Aborted when the client gave up, the relay forgot the call, or the agent ends. */
  readonly signal: CallSignal;
  /** JSON text of one JSON-RPC notification for the client. @param droppable it may be left out for a slow client, and not only behind megabytes of others */
  event(json: Buffer, droppable: boolean): void;
  /**
   * Asks the client, and waits for its reply, several at a time if need be. Outlives links, and ends with the call.
   * @param params JSON text on one line; none becomes `{}`
   * @param signal takes the question back; rejects with its reason, or with that of `signal` above
   */
  ask(method: string, params: Uint8Array, signal: CallSignal): Promise<AskReply>;
}

export interface CallAnswer {
  readonly kind: 'result' | 'error';
  /** JSON text of the `result` or `error` member, without CR or LF. */
  readonly json: Buffer;
}

/** One call: what it still sends, over whichever link, and what ends it. Kept small, since it is kept until the relay has all of it. */
export class RunningCall implements CallOutput {
  readonly stream: SendStream;
  /** Bytes of the stream that have been counted. */
  held = 0;
  finished = false;
  /** Bytes of the answer, once finished. */
  answerBytes = 0;
  /** Its last frame had left when the ping under way was sent. */
  marked = false;
  readonly #abort = new CallAbort();
  #questions: OpenQuestions | undefined;

  /**
   * @param lasting it waits for events, for as long as the client likes
   * @param sender the link it goes out on; undefined between links
   * @param count what the stream holds has changed
   */
  constructor(
    id: string,
    readonly server: string,
    readonly lasting: boolean,
    public sender: LinkSender | undefined,
    private readonly count: (call: RunningCall) => void,
  ) {
    this.stream = new SendStream(id);
  }

  get signal(): CallSignal {
    return this.#abort;
  }

  event(json: Buffer, droppable: boolean): void {
    if (this.#abort.aborted || this.finished) return;
    if (this.stream.pending > (droppable ? SLOW_BYTES : FLOOD_BYTES)) return;
    this.#push(FrameType.event, json);
  }

  ask(method: string, params: Uint8Array, signal: CallSignal): Promise<AskReply> {
    // Few calls ever ask.
    if (this.#questions === undefined) {
      this.#questions = new OpenQuestions((body) => this.#push(FrameType.ask, body));
      if (this.finished || this.#abort.aborted) this.#endQuestions();
    }
    return this.#questions.ask(method, params, signal);
  }

  /** An `answer` has come. @throws MessageError */
  answered(body: Buffer): void {
    this.#questions?.answered(body);
  }

  finish(answer: CallAnswer): void {
    this.finished = true;
    this.#endQuestions();
    this.answerBytes = answer.json.length;
    this.#push(FrameType[answer.kind], answer.json);
  }

  /** Nobody waits for it any more. */
  abort(reason: unknown): void {
    this.#questions?.end(reason);
    this.#abort.abort(reason);
  }

  #endQuestions(): void {
    this.#questions?.end(this.#abort.aborted ? this.#abort.reason : new Error('the call has ended'));
  }

  #push(type: (typeof FrameType)['event' | 'ask' | 'result' | 'error'], body: Buffer): void {
    this.stream.push(type, body);
    this.count(this);
    this.sender?.wake(this.stream);
  }
}
