import type { CallClient } from '../../protocol/messages.js';
import type { ServerReason, ServerStatus } from '../../protocol/server-state.js';

/** What the relay's two sides agree on. `relay/mcp` calls, `relay/tunnel` carries; neither sees the other. */

/** One MCP request on its way to a local server. */
export interface CallRequest {
  readonly method: string;
  /** JSON text of the params as the local server is to see them (its own tool name inside). */
  readonly params: Buffer;
  readonly client: CallClient;
  readonly progressToken?: string | number;
  readonly logLevel?: string;
  readonly traceparent?: string;
}

/** Where a call goes. `server` '' is the agent itself. */
export interface CallTarget {
  readonly userId: string;
  readonly deviceId: string;
  readonly server: string;
}

/**
 * Takes what comes back, in order: any number of events, then pieces of one final answer, or one failure.
 * Nothing follows `piece(…, last = true)` or `fail`. No method may throw.
 */
export interface CallSink {
  /** JSON text of one whole JSON-RPC notification for the client; one line, no CR or LF. */
  event(json: Buffer): void;
  /** JSON text, or a part of it, of the JSON-RPC `result` or `error` member. No CR or LF in it. */
  piece(kind: 'result' | 'error', bytes: Buffer, last: boolean): void;
  /** No answer of the local server's. */
  fail(failure: CallFailure): void;
}

export interface CallHandle {
  /** Gives up on the call: the agent is told, the sink hears nothing more. */
  cancel(reason: string): void;
  /** The bytes given to `event` or `piece` that have left towards the client; gives the agent credit for more. */
  consumed(bytes: number): void;
}

export type CallFailureCode =
  /** The device is known and not connected. */
  | 'offline'
  /** It was connected and no longer exists under this user. */
  | 'unknown_device'
  /** More calls in flight than allowed, for longer than `queueSeconds`. */
  | 'busy'
  /** `callSeconds` or `callMaxSeconds` passed. */
  | 'timeout'
  /** The link was lost and the agent did not come back in time, or came back without the call. */
  | 'lost'
  /** Result over `resultBytes`. */
  | 'too_large'
  /** The relay is shutting down. */
  | 'draining'
  /** The agent sent what no agent may send. */
  | 'protocol';

export interface CallFailure {
  readonly code: CallFailureCode;
  /** False: surely not executed, safe to call again. True: outcome unknown. */
  readonly dispatched: boolean;
  /** For the client: which device, what happened, what to do. */
  readonly message: string;
}

export type DevicePresence = 'online' | 'away';

/** One local server as last reported. */
export interface ServerView {
  readonly name: string;
  readonly status: ServerStatus;
  /** Why it is not ready, as the agent says. */
  readonly reason?: ServerReason;
  readonly protocolVersion?: string;
  readonly serverInfo?: Readonly<Record<string, unknown>>;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly instructions?: string;
  readonly tools: readonly Readonly<Record<string, unknown>>[];
}

/** One present device of a user: connected, or dropped off less than `presentSeconds` ago. */
export interface DeviceView {
  readonly id: string;
  readonly name: string;
  readonly presence: DevicePresence;
  /** Milliseconds since the epoch: connected since, or away since. */
  readonly since: number;
  readonly app: { readonly version: string; readonly platform: string };
  readonly servers: readonly ServerView[];
}

/** One tool as clients of /mcp see it. */
export interface ExposedTool {
  readonly exposedName: string;
  readonly target: CallTarget;
  readonly deviceName: string;
  /** The server's own name of it. */
  readonly toolName: string;
  /** The tool exactly as the server sent it. */
  readonly tool: Readonly<Record<string, unknown>>;
}

/** A user's merged tools at one moment. The same object is handed out until something changes. */
export interface ToolList {
  /** Changes exactly when what clients see changes. */
  readonly revision: string;
  /** By exposed name, byte order. */
  readonly tools: readonly ExposedTool[];
  /** More tools than `toolsPerUser`: how many were left out. */
  readonly omitted: number;
}

export type Resolution =
  | { readonly kind: 'found'; readonly tool: ExposedTool }
  /** Several tools answer to this form; their full names. */
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[] }
  | { readonly kind: 'unknown' };

/** The registry as `relay/mcp` uses it; DeviceRegistry implements it. */
export interface Devices {
  devices(userId: string): readonly DeviceView[];
  /** @param deviceId only this device's tools, named as if it were the user's only one; none when it is not present */
  tools(userId: string, deviceId?: string): ToolList;
  /** Accepts the short and the long form. @param deviceId as for `tools` */
  resolve(userId: string, exposedName: string, deviceId?: string): Resolution;
  call(target: CallTarget, request: CallRequest, sink: CallSink): CallHandle;
  /** `listener` runs after this user's tools or devices changed (debounced). @returns unsubscribe */
  onChange(userId: string, listener: () => void): () => void;
}
