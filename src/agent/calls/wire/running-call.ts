import type { CallHead } from '../../../protocol/call-messages.js';
import { FrameType, type FrameTypeCode } from '../../../protocol/frames.js';
import type { LinkSender } from '../../../protocol/link-sender.js';
import { SendStream } from '../../../protocol/send-stream.js';
import { CallAbort, type CallSignal } from '../../servers/call-signal.js';
import { Rooms } from '../../servers/rooms.js';
import type { AskReply } from '../../servers/types.js';
import { CallEvents } from './call-events.js';
import { OpenQuestions } from './open-questions.js';

export interface CallOutput {
  /** Aborted when the client gave up, the relay forgot the call, or the agent ends. */
  readonly signal: CallSignal;
  /** JSON text of one JSON-RPC notification for the client. @param droppable it may be left out for a slow client, and not only behind megabytes of others */
  event(json: Buffer, droppable: boolean): void;
  /** Resolves once the client keeps up, or the call has ended; undefined while it does keep up. */
  room(): Promise<void> | undefined;
  /** Events left out because the client did not keep up. */
  readonly leftOut: number;
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
  /** What its server sent: read by nobody once the answer has gone. */
  readonly spent?: Uint8Array;
}

/** One call: what it still sends, over whichever link, and what ends it. Kept small, since it is kept until the relay has all of it. */
export class RunningCall implements CallOutput {
  readonly server: string;
  /** It waits for events, for as long as the client likes. */
  readonly lasting: boolean;
  /** The client's. */
  readonly session: string;
  readonly stream: SendStream;
  /** Bytes of the stream that have been counted. */
  held = 0;
  /** The client did not keep up when that was last looked at. */
  full = false;
  finished = false;
  /** Bytes of what it was asked, until finished. Kept by RunningCalls. */
  paramsBytes = 0;
  /** Bytes of the answer, once finished. */
  answerBytes = 0;
  /** Its last frame had left when the ping under way was sent. */
  marked = false;
  readonly #abort = new CallAbort();
  /** None until it has an event to tell. */
  #events: CallEvents | undefined;
  #questions: OpenQuestions | undefined;
  #spent: Uint8Array | undefined;

  /**
   * @param sender the link it goes out on; undefined between links
   * @param count what the stream holds has changed
   */
  constructor(
    id: string,
    head: CallHead,
    public sender: LinkSender | undefined,
    private readonly count: (call: RunningCall) => void,
  ) {
    this.server = head.server;
    this.lasting = head.lasting === true;
    this.session = head.client.session;
    this.stream = new SendStream(id);
  }

  get signal(): CallSignal {
    return this.#abort;
  }

  event(json: Buffer, droppable: boolean): void {
    if (this.#abort.aborted || this.finished) return;
    this.#events ??= new CallEvents(this.stream, (type, body) => this.#push(type, body));
    this.#events.event(json, droppable);
  }

  room(): Promise<void> | undefined {
    return this.#abort.aborted || this.finished ? undefined : this.#events?.room();
  }

  get leftOut(): number {
    return this.#events?.leftOut ?? 0;
  }

  /** The relay takes bytes of the stream up to `limit`: what can go goes. */
  grant(limit: number): void {
    this.stream.grant(limit);
    this.sender?.wake(this.stream);
    this.#events?.moved();
  }

  ask(method: string, params: Uint8Array, signal: CallSignal): Promise<AskReply> {
    // Few calls ever ask.
    if (this.#questions === undefined) {
      this.#questions = new OpenQuestions((body) => this.#send(FrameType.ask, body));
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
    this.#spent = answer.spent;
    this.#send(FrameType[answer.kind], answer.json);
    this.#events?.end();
  }

  /** The relay has all of its answer. */
  confirmed(): void {
    if (this.#spent !== undefined) Rooms.giveBack(this.#spent);
  }

  /** Nobody waits for it any more. */
  abort(reason: unknown): void {
    this.#questions?.end(reason);
    this.#events?.end();
    this.#abort.abort(reason);
  }

  #endQuestions(): void {
    this.#questions?.end(this.#abort.aborted ? this.#abort.reason : new Error('the call has ended'));
  }

  #send(type: FrameTypeCode, body: Buffer): void {
    if (this.#events === undefined) this.#push(type, body);
    else this.#events.send(type, body);
  }

  #push(type: FrameTypeCode, body: Buffer): void {
    this.stream.push(type, body);
    this.sender?.wake(this.stream);
    this.count(this);
  }
}
