/** What the rest of the agent sees of local servers. Protocol eras, processes and HTTP stay inside this folder. */

import type { CallClient } from '../../protocol/call-messages.js';
import type { ServerOffer } from '../../protocol/messages.js';
import type { ServerReason, ServerStatus } from '../../protocol/server-state.js';
import type { CallSignal } from './call-signal.js';
import type { ServerHeld } from './server-memory.js';

export interface ServerState {
  readonly name: string;
  readonly kind: 'stdio' | 'http';
  readonly status: ServerStatus;
  /** Milliseconds since the epoch of the last change of `status`. */
  readonly since: number;
  /** Negotiated MCP revision, e.g. `2025-11-25`; absent until ready. */
  readonly protocolVersion?: string;
  readonly serverInfo?: { readonly name?: string; readonly version?: string; readonly [key: string]: unknown };
  readonly tools: number;
  /** Starts since the agent began, the first included. */
  readonly starts: number;
  /** Why it is not ready, with the server's last stderr lines; for the machine's owner only. */
  readonly problem?: string;
  /** The same in one word, which the relay may know. */
  readonly reason?: ServerReason;
  /** When the next try is due (`waiting`). */
  readonly retryAt?: number;
}

export interface JsonRpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** `result`: the JSON text of the JSON-RPC `result` member as the server wrote it, with raw CR and LF turned to spaces. */
export type RequestOutcome =
  | { readonly kind: 'result'; readonly json: Uint8Array }
  | { readonly kind: 'error'; readonly error: JsonRpcError };

export interface RequestContext {
  /** Aborting sends `notifications/cancelled` upstream and rejects with the signal's reason. */
  readonly signal: CallSignal;
  /** Present when the client asked for progress: params of each `notifications/progress`, without the token. */
  readonly onProgress?: ((params: Readonly<Record<string, unknown>>) => void) | undefined;
  /** `notifications/message` params that surely belong to this request. */
  readonly onLog?: ((params: Readonly<Record<string, unknown>>) => void) | undefined;
  /** For whom it is: fills a modern server's envelope, picks the process where each client has its own. Absent: for the agent itself. */
  readonly client?: CallClient | undefined;
  /** Lowest level of log notifications the client wants; absent: none. */
  readonly logLevel?: string | undefined;
  /** A legacy server's request to the client while it works on this one; absent: it is refused. Never rejects. */
  readonly onAsk?: ((ask: ServerAsk) => Promise<AskReply>) | undefined;
  /** Other notifications that surely belong to this request, those of `subscriptions/listen` above all. */
  readonly onNotification?: ((method: string, params: Readonly<Record<string, unknown>>) => void) | undefined;
  /** Resolves once whoever asked keeps up with what it is told; undefined while it does. Where each request has a stream of its own (HTTP) that is read no further meanwhile. */
  readonly room?: (() => Promise<void> | undefined) | undefined;
  /** No time limit: see CallHead. */
  readonly lasting?: boolean | undefined;
}

/** A server's request to the client. */
export interface ServerAsk {
  readonly method: string;
  /** JSON text of its params, on one line; empty when it has none. */
  readonly params: Uint8Array;
  /** Aborted when the server takes it back or is gone: the reply is then of no use. */
  readonly signal: CallSignal;
  /** Tells the server that its question is alive, when it asked for progress. */
  progress(): void;
}

export type AskReply =
  | { readonly kind: 'result' /** JSON text. */; readonly json: Uint8Array }
  | { readonly kind: 'error'; readonly error: JsonRpcError };

/** A folder that a server may take as its root (`roots` in the config); served to it, never to a client. */
export interface Root {
  readonly uri: string;
  readonly name?: string;
}

/** What the machine's owner lets one server ask of clients. */
export interface AskPolicy {
  /** From the config; undefined: it has none, and only the transparent endpoint may pass the client's own. */
  readonly roots: readonly Root[] | undefined;
  readonly sampling: boolean;
}

export type ServerErrorCode =
  /** No server of that name in the config. */
  | 'unknown_server'
  /** Not ready: nothing was sent. */
  | 'not_ready'
  /** Ended or cut after the request had been sent. */
  | 'lost'
  /** The server's own `timeout` passed. */
  | 'timeout'
  /** Larger than the message limit. */
  | 'too_large';

/** A request that got no answer of the server's own. `dispatched`: the server may have acted on it. */
export class ServerError extends Error {
  constructor(
    readonly code: ServerErrorCode,
    message: string,
    readonly dispatched: boolean,
  ) {
    super(message);
  }
}

/** There is no way to a server, or what it answers will not do. The message is for the machine's owner. */
export class StartError extends Error {
  constructor(
    readonly reason: ServerReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** All local servers of one agent. */
export interface LocalServers {
  /** Starts every enabled server, in parallel; returns at once. */
  start(): void;
  states(): readonly ServerState[];
  /** What one server offers; undefined when it offers nothing (yet, or any more), or is none of the config's. */
  offer(server: string): ServerOffer | undefined;
  /** Waits until every server is ready, failed or disabled once (start-up), or the signal aborts. */
  settled(signal: AbortSignal): Promise<void>;
  /**
   * One JSON-RPC request. `params` is JSON text that goes out byte for byte, but for `_meta.progressToken`, which is this hop's own.
   * @throws ServerError, or the signal's reason; always by its promise.
   */
  request(server: string, method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome>;
  /** A client's notification, passed on. @throws ServerError */
  notify(server: string, method: string, params: Uint8Array, client: CallClient): Promise<void>;
  /** @throws ServerError unknown_server */
  askPolicy(server: string): AskPolicy;
  /** A client's session has ended: its subscriptions go, and the processes that ran for it alone. */
  endSession(session: string): void;
  /** Reads no further what a server writes on stdout, or goes on; what it writes meanwhile stays with it, and in time it stops. */
  holdBack(server: string, held: boolean): void;
  /** Bytes that wait until this server, or the process of it that serves this session alone, reads its input. */
  unreadInput(server: string, session: string): number;
  /** Of all servers together. */
  held(): ServerHeld;
  /** Restarts one server (or all) and resolves with the states once each is ready or has failed. @throws ServerError unknown_server */
  restart(server: string | undefined, signal: CallSignal): Promise<readonly ServerState[]>;
  /** Stops everything: stdin closed, then SIGTERM, then SIGKILL to the whole process group. */
  close(): Promise<void>;
}

/** How changes are told; given at construction. */
export interface LocalServersEvents {
  /** A new or changed offer; `undefined` when the server is gone (ended, failed). */
  catalog(server: string, catalog: ServerOffer | undefined): void;
  state(state: ServerState): void;
  /** Some server has read of its input. */
  inputRead?(): void;
}
