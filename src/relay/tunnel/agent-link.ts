import type WebSocket from 'ws';
import type { Limits } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { Assembler } from '../../protocol/assembler.js';
import { CloseCode } from '../../protocol/close-codes.js';
import {
  AGENT_FRAMES,
  decodeFrame,
  type Frame,
  FrameError,
  FrameType,
  NO_ID,
  PROTOCOL_VERSION,
} from '../../protocol/frames.js';
import type { WriteFrame } from '../../protocol/link-sender.js';
import { MessageError } from '../../protocol/message-reader.js';
import { decodeCatalog, decodeHello, type Hello } from '../../protocol/messages.js';
import { isSlug } from '../../protocol/names.js';
import { type Corkable, SocketWriter } from '../../protocol/socket-writer.js';
import type { Principal } from '../auth/principal.js';
import type { DeviceRegistry } from '../devices/device-registry.js';
import { type Attachment, AttachRefused, type DeviceLink, LinkViolation } from '../devices/link.js';
import { Heartbeat } from './heartbeat.js';

const HELLO_BYTES = 1024 * 1024;
const CATALOG_BYTES = 16 * 1024 * 1024;
/** Catalogs an agent may have begun at a time. */
const OPEN_CATALOGS = 4;
/** A peer that does not answer a close frame loses its socket after this. */
const CLOSE_MS = 2000;
/** A link that another one has replaced is the agent's to close, for this long. */
const RETIRE_MS = 10_000;
/** An agent that pings and does not read gets no more pongs. */
const PONG_BUFFER_BYTES = 4 * 1024 * 1024;
/** A close frame has no room for more. */
const REASON_BYTES = 120;
/** setTimeout's own limit. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const BINARY = { binary: true };

export interface AgentLinkOptions {
  /** The socket under the WebSocket. */
  readonly wire: Corkable;
  readonly registry: DeviceRegistry;
  readonly limits: Limits;
  readonly logger: Logger;
  /** Seconds to wait for hello. */
  readonly helloSeconds: number;
  readonly ended: (link: AgentLink) => void;
}

/** One agent's WebSocket, from the upgrade to its close. Owns the socket and every timer on it. */
export class AgentLink implements DeviceLink {
  readonly #hello = new Assembler(HELLO_BYTES, 1);
  readonly #catalogs = new Assembler(CATALOG_BYTES, OPEN_CATALOGS);
  readonly #heartbeat: Heartbeat;
  readonly #writer: SocketWriter;
  readonly #expiry: NodeJS.Timeout;
  /** Hello has to come, then the close has to end. */
  #timer: NodeJS.Timeout | undefined;
  #attachment: Attachment | undefined;
  /** As its hello had it, for the log. */
  #name = '';
  /** Nothing more is read. */
  #deaf = false;

  constructor(
    private readonly socket: WebSocket,
    readonly principal: Principal,
    private readonly options: AgentLinkOptions,
  ) {
    const { limits, helloSeconds } = options;
    this.#writer = new SocketWriter(options.wire, true);
    this.#heartbeat = new Heartbeat(socket, limits.heartbeatSeconds * 1000, limits.pongSeconds * 1000);
    this.#timer = setTimeout(() => this.close(CloseCode.timeout, 'no hello'), helloSeconds * 1000);
    const life = Math.min(Math.max(0, principal.expiresAt - Date.now()), TIMER_MAX_MS);
    this.#expiry = setTimeout(() => this.close(CloseCode.unauthorized, 'the token has expired'), life);
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('ping', (data) => this.#pong(data));
    socket.on('close', () => this.#closed());
    // What ws itself finds wrong (a frame over maxPayload, a broken one) it answers with a close frame; 'close' follows.
    socket.on('error', (error) => options.logger.debug('link error', { problem: error.message }));
  }

  /** Of messages that are not whole yet. */
  get heldBytes(): number {
    return this.#hello.bytes + this.#catalogs.bytes;
  }

  readonly write: WriteFrame = (frame, done) => {
    this.#writer.gather();
    this.socket.send(frame, BINARY, done);
  };

  close(code: number, reason: string): void {
    this.#deaf = true;
    this.#heartbeat.stop();
    this.socket.close(
      code,
      Buffer.from(reason)
        .subarray(0, REASON_BYTES)
        .toString('utf8')
        .replace(/\uFFFD+$/, ''),
    );
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.socket.terminate(), CLOSE_MS);
  }

  retire(): void {
    this.#deaf = true;
    this.#heartbeat.stop();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(CloseCode.normal, 'replaced by a newer link'), RETIRE_MS);
  }

  /** The grant behind its token is revoked: its device leaves now. */
  revoke(): void {
    this.close(CloseCode.unauthorized, 'access was revoked');
    this.#attachment?.leave();
  }

  #message(data: WebSocket.RawData, isBinary: boolean): void {
    if (this.#deaf) return;
    this.#heartbeat.heard();
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw new LinkViolation('a text frame');
      const frame = decodeFrame(data, AGENT_FRAMES);
      if (this.#attachment === undefined) this.#greet(frame);
      else this.#frame(frame, this.#attachment);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #greet(frame: Frame): void {
    if (frame.type !== FrameType.hello || frame.id !== NO_ID) throw new LinkViolation('hello has to come first');
    const body = this.#hello.add(frame);
    if (body === undefined) return;
    const hello = checked(decodeHello(body));
    if (!hello.versions.includes(PROTOCOL_VERSION)) {
      throw new AttachRefused(CloseCode.version, `this relay speaks version ${PROTOCOL_VERSION} of the protocol`);
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#attachment = this.options.registry.attach(this.principal.userId, hello, this);
    this.#name = hello.name;
    this.options.logger.info('link open', { name: hello.name, version: hello.app.version });
  }

  #frame(frame: Frame, attachment: Attachment): void {
    if (frame.type === FrameType.hello) throw new LinkViolation('a second hello');
    if (frame.type === FrameType.catalog) {
      const body = this.#catalogs.add(frame);
      if (body !== undefined) attachment.catalog(decodeCatalog(body));
      return;
    }
    if (frame.type === FrameType.goodbye) {
      attachment.leave();
      this.close(CloseCode.normal, 'goodbye');
      return;
    }
    attachment.frame(frame);
  }

  #refuse(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (error instanceof AttachRefused) {
      this.close(error.closeCode, problem);
    } else if (error instanceof LinkViolation || error instanceof FrameError || error instanceof MessageError) {
      this.options.logger.warn('link closed: the agent broke the protocol', { problem });
      this.close(CloseCode.badFrame, problem);
    } else {
      // A mistake of ours: this link cannot be trusted to be in order any more, the others can.
      this.options.logger.error('link failed', { problem: error instanceof Error ? error.stack : problem });
      this.close(CloseCode.internal, 'internal error');
    }
  }

  /** Sent by hand: a pong tells the agent that all it sent before has been read, which on a deaf link is not so. */
  #pong(data: Buffer): void {
    if (this.#deaf || this.socket.bufferedAmount > PONG_BUFFER_BYTES) return;
    this.#heartbeat.heard();
    this.socket.pong(data);
  }

  #closed(): void {
    this.#deaf = true;
    this.#heartbeat.stop();
    clearTimeout(this.#timer);
    clearTimeout(this.#expiry);
    this.#attachment?.lost();
    if (this.#attachment !== undefined) this.options.logger.info('link closed', { name: this.#name });
    this.options.ended(this);
  }
}

/** @throws LinkViolation */
function checked(hello: Hello): Hello {
  if (hello.instance === '' || hello.machine === '') throw new LinkViolation('a hello without instance or machine');
  if (!hello.servers.every(({ name }) => isSlug(name))) throw new LinkViolation('a server name that is none');
  return hello;
}
