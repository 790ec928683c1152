import type WebSocket from 'ws';
import { CloseCode } from '../../protocol/close-codes.js';
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  FrameType,
  MAX_BODY_BYTES,
  NO_ID,
  RELAY_FRAMES,
} from '../../protocol/frames.js';
import { LinkSender } from '../../protocol/link-sender.js';
import { decodeDrain, decodeWelcome, encodeJson, type Hello, type Welcome } from '../../protocol/messages.js';
import { SendStream } from '../../protocol/send-stream.js';
import { SocketWriter } from '../../protocol/socket-writer.js';
import type { Dialled } from './dial.js';
import { Heartbeat } from './heartbeat.js';

const WELCOME_MS = 15_000;
const BINARY = { binary: true };

export interface ConnectionEvents {
  /** A frame of a call: `call`, `cancel`, `answer` or `window`. Throwing closes the link as broken. */
  frame(frame: Frame, connection: Connection): void;
  /** Relay is going away: dial again within this time; this link finishes its calls. */
  drain(afterMs: number, connection: Connection): void;
  /** All that was handed to `marked` before is surely with the relay. */
  delivered(connection: Connection): void;
  /** Called just before a ping goes out: what is sent by now counts as delivered at the next `delivered`. */
  mark(connection: Connection): void;
  closed(code: number, reason: string, connection: Connection): void;
}

/** One open link. It ends once; whoever made it dials the next. */
export class Connection {
  readonly sender: LinkSender;
  readonly #socket: WebSocket;
  #welcome: ((welcome: Welcome) => void) | undefined;
  #heartbeat: Heartbeat | undefined;
  #ended = false;
  /**
   * Nothing more is read. A bad frame came: what is behind it cannot be trusted to mean what it says. Or this end has
   * closed the link: its calls have moved to another one, and a copy of a call that still came here would move it back.
   */
  #deaf = false;

  constructor(
    { socket, wire }: Dialled,
    private readonly events: ConnectionEvents,
  ) {
    this.#socket = socket;
    const writer = new SocketWriter(wire);
    this.sender = new LinkSender((frame, done) => {
      writer.gather();
      socket.send(frame, BINARY, done);
    });
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('close', (code, reason) => this.#end(code, reason.toString()));
    // 'close' follows, and says all there is to say.
    socket.on('error', () => undefined);
    socket.resume();
  }

  /**
   * Says hello and waits for the welcome. Rejects when the link closes first or stays silent.
   *
   * @param welcomed runs before any frame behind the welcome is looked at
   * @throws Error with a message for the log
   */
  async greet(hello: Hello, welcomed: (welcome: Welcome) => void): Promise<Welcome> {
    const answered = new Promise<Welcome>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#socket.terminate();
        reject(new Error('the relay did not answer hello'));
      }, WELCOME_MS);
      this.#welcome = (welcome) => {
        clearTimeout(timer);
        this.#heartbeat = new Heartbeat(this.#socket, welcome.heartbeatSeconds, welcome.pongSeconds, {
          ping: () => this.events.mark(this),
          pong: () => this.events.delivered(this),
        });
        welcomed(welcome);
        resolve(welcome);
      };
      this.#socket.once('close', (code, reason) => {
        clearTimeout(timer);
        reject(new Error(`the relay closed the link (${code}${reason.length > 0 ? ` ${reason.toString()}` : ''})`));
      });
    });
    this.message(FrameType.hello, NO_ID, encodeJson(hello));
    return answered;
  }

  /** Sends one message outside any call's credit, in as many frames as it takes. */
  message(type: (typeof FrameType)[keyof typeof FrameType], id: string, body: Buffer): void {
    if (body.length <= MAX_BODY_BYTES) {
      this.sender.control(encodeFrame(type, false, id, body));
      return;
    }
    const stream = new SendStream(id, Number.POSITIVE_INFINITY);
    stream.push(type, body);
    this.sender.attach(stream);
  }

  /** Asks the peer for a sign of life now: more than usual waits for its acknowledgement. */
  checkpoint(): void {
    this.#heartbeat?.ping();
  }

  /** Ends the link in good order. */
  close(code: number = CloseCode.normal): void {
    this.#deaf = true;
    this.#socket.close(code);
    // A peer that does not answer the close would keep the socket open for half a minute.
    this.#heartbeat?.closeWithin(1000);
  }

  /** Ends the link at once: the network under it is gone. */
  terminate(): void {
    this.#socket.terminate();
  }

  #message(data: WebSocket.RawData, isBinary: boolean): void {
    if (this.#ended || this.#deaf) return;
    this.#heartbeat?.heard();
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw new Error('a text frame');
      this.#frame(decodeFrame(data, RELAY_FRAMES));
    } catch (error) {
      this.#deaf = true;
      this.#socket.close(CloseCode.badFrame, error instanceof Error ? error.message.slice(0, 100) : '');
      this.#heartbeat?.closeWithin(1000);
    }
  }

  #frame(frame: Frame): void {
    if (this.#welcome !== undefined) {
      if (frame.type !== FrameType.welcome || frame.more) throw new Error('no welcome');
      const welcome = decodeWelcome(frame.body);
      const resolve = this.#welcome;
      this.#welcome = undefined;
      resolve(welcome);
      return;
    }
    if (frame.type === FrameType.drain) this.events.drain(decodeDrain(frame.body).afterMs, this);
    else this.events.frame(frame, this);
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#heartbeat?.stop();
    this.sender.close();
    this.events.closed(code, reason, this);
  }
}
