import type { Buffer } from 'node:buffer';
import type { ServerReason } from '../../protocol/server-state.js';
import { ServerError } from './types.js';

/** Why a transport ended. */
export interface TransportEnd {
  readonly reason: ServerReason;
  /** For the machine's owner, e.g. `ended with exit status 1`. */
  readonly problem: string;
  /** The server only forgot our session: start anew at once, without waiting. */
  readonly sessionLost: boolean;
}

/** What a transport tells the session on top of it. */
export interface TransportEvents {
  /**
   * One JSON-RPC message, or a batch of them, as JSON text. The buffer is the receiver's own.
   * @param request the id of the request on whose own stream it came, where the transport can tell (HTTP)
   */
  message(json: Buffer, request?: number): void;
  /** This request will get no answer; the session goes on. Without an id when it cannot be told which. */
  failed(request: number | undefined, error: ServerError): void;
  /**
   * Resolves once more is wanted of what belongs to this request; undefined while it is. A transport on which each
   * request has a stream of its own reads that no further meanwhile.
   */
  room?(request: number): Promise<void> | undefined;
  /** Nothing will be received any more. Told once, and not after `close`. */
  ended(end: TransportEnd): void;
}

/** What a message is, for transports that must know. */
export interface Outgoing {
  /** Id of a request that expects an answer. */
  readonly request?: number;
  readonly method?: string;
  /** Of a modern request over HTTP: `Mcp-Name` and `Mcp-Param-*`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Asked right before writing; false drops the message (its request was aborted while it waited). */
  readonly wanted?: () => boolean;
}

/** The way to one server. */
export interface Transport {
  /** @throws StartError that says what to do, when there is no way to the server */
  start(events: TransportEvents, signal: AbortSignal): Promise<void>;
  /**
   * Whether it was written, rather than not wanted any more: at once where it can be told, else a promise. Waits while the
   * server reads slowly. Rejects when it could not be written.
   */
  send(json: Buffer, outgoing: Outgoing): boolean | Promise<boolean>;
  /** No more is expected for this request. */
  release(request: number): void;
  /** The revision both sides speak from here on. */
  negotiated(protocolVersion: string): void;
  /** Stops and goes on reading; what the server writes meanwhile stays with it. */
  pause(): void;
  resume(): void;
  /** The last things the server wrote for people, safe for a terminal. */
  lastWords(): readonly string[];
  /** Ends the session and whatever was started for it. Never throws. */
  close(): Promise<void>;
}

/** The server no longer knows our session, so it did nothing: the request may be sent again after a new `initialize`. */
export class SessionLostError extends ServerError {
  constructor() {
    super('not_ready', 'the server ended its session', false);
  }
}
