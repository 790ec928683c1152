import type { CallClient } from '../../protocol/call-messages.js';
import type { Entry } from '../../protocol/messages.js';
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
  /** A notification of the client's; see CallHead. */
  readonly notify?: boolean;
  /** No deadline, and no place among the calls in flight but among `listensPerClient`; see CallHead. */
  readonly lasting?: boolean;
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
  /** The server asks the client something; `CallHandle.answer` replies. Every question is answered or withdrawn, or dies with the call. */
  ask(question: Question): void;
  /** The server takes a question back: the client is not to answer it any more. */
  withdraw(ask: number): void;
  /** No answer of the local server's. */
  fail(failure: CallFailure): void;
}

/** A local server's request to the client, within a call (elicitation, sampling, roots). */
export interface Question {
  /** Names it within its call. */
  readonly ask: number;
  readonly method: string;
  /** JSON text on one line. */
  readonly params: Buffer;
}

export interface CallHandle {
  /** Gives up on the call: the agent is told, the sink hears nothing more. */
  cancel(reason: string): void;
  /** The bytes given to `event` or `piece` (not to `ask`) that have left towards the client; gives the agent credit for more. */
  consumed(bytes: number): void;
  /** The client's reply to a question. @param json text of its `result` or `error` member; line breaks become spaces */
  answer(ask: number, kind: 'result' | 'error', json: Buffer): void;
}

export type CallFailureCode =
  /** The device is known and not connected. */
  | 'offline'
  /** It was connected and no longer exists under this user. */
  | 'unknown_device'
  /** More calls in flight than allowed, for longer than `queueSeconds`; or more of those that only listen. */
  | 'busy'
  /** `callSeconds` or `callMaxSeconds` passed. */
  | 'timeout'
  /** The link was lost and the agent did not come back in time, or came back without the call. */
  | 'lost'
  /** Result over `resultBytes`; or, not dispatched, a head over HEAD_BYTES. */
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
  /** Absent until it has been ready. */
  readonly era?: 'legacy' | 'modern';
  readonly tools: readonly Entry[];
  readonly prompts: readonly Entry[];
  readonly resources: readonly Entry[];
  readonly resourceTemplates: readonly Entry[];
  /** See ServerOffer. */
  readonly fit: boolean;
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
  readonly tool: Entry;
  /** See ServerOffer. */
  readonly fit: boolean;
}

/** One prompt as clients of /mcp see it. */
export interface ExposedPrompt {
  readonly exposedName: string;
  readonly target: CallTarget;
  readonly deviceName: string;
  /** The server's own name of it. */
  readonly promptName: string;
  readonly prompt: Entry;
}

/** One resource, or one template, as clients of /mcp see it. */
export interface ExposedResource {
  /** URI, or RFC 6570 template, with its server's key in front (protocol/uris.ts). */
  readonly exposedUri: string;
  readonly target: CallTarget;
  readonly deviceName: string;
  readonly resource: Entry;
}

export interface PromptList {
  readonly revision: string;
  /** By exposed name, byte order. */
  readonly prompts: readonly ExposedPrompt[];
  readonly omitted: number;
}

/** Resources, or templates: two lists of the same shape. */
export interface ResourceList {
  readonly revision: string;
  /** By exposed URI, byte order. */
  readonly resources: readonly ExposedResource[];
  readonly omitted: number;
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

export type MergedList = ToolList | PromptList | ResourceList;

export type PromptResolution =
  | { readonly kind: 'found'; readonly prompt: ExposedPrompt }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[] }
  | { readonly kind: 'unknown' };

/** Where a URI that a client names leads. */
export type UriResolution =
  /** `uri`: the server's own. */
  | { readonly kind: 'found'; readonly target: CallTarget; readonly uriKey: string; readonly uri: string }
  /** Without a key in front, and several servers list it; their exposed URIs. */
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[] }
  | { readonly kind: 'unknown' };

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
  /** @param deviceId as for `tools`, here and below */
  prompts(userId: string, deviceId?: string): PromptList;
  resolvePrompt(userId: string, exposedName: string, deviceId?: string): PromptResolution;
  resources(userId: string, deviceId?: string): ResourceList;
  resourceTemplates(userId: string, deviceId?: string): ResourceList;
  /**
   * Of a resource, or of a template as a completion names it. By the key in front of it alone, so also what no list
   * has (MCP Apps); without a key, if exactly one server lists that very URI or template.
   */
  resolveUri(userId: string, exposedUri: string, deviceId?: string): UriResolution;
  call(target: CallTarget, request: CallRequest, sink: CallSink): CallHandle;
  /** `listener` runs after this user's tools or devices changed (debounced). @returns unsubscribe */
  onChange(userId: string, listener: () => void): () => void;
  /** `listener` runs at once when a list that was handed out is one of the past. @returns unsubscribe */
  onListDropped(listener: (userId: string, list: MergedList) => void): () => void;
}
