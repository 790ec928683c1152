import type { CallSignal } from './call-signal.js';
import type { ListKind } from './list-kinds.js';
import type { JsonRpcError, RequestContext, RequestOutcome } from './types.js';

/**
 * One session with a local server, over one transport: `Session` for the legacy era (`initialize`, 2024-11-05 to
 * 2025-11-25), `ModernSession` for 2026-07-28. This hop's own ids and progress tokens, whichever it is.
 */
export interface ServerSession {
  readonly era: 'legacy' | 'modern';
  /** Lines on stdout that were no MCP message. */
  readonly strayLines: number;
  /** One request of a client. @throws ServerError, or the signal's reason */
  request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome>;
  /** One request of our own; its parsed result. @throws Error with the server's message, ServerError, or the signal's reason */
  query(method: string, params: Readonly<Record<string, unknown>>, signal: CallSignal): Promise<unknown>;
  /** A client's notification. Resolves once written, or when it cannot be. */
  notify(method: string, params: Uint8Array): Promise<void>;
  pause(): void;
  resume(): void;
  /** Fails what is in flight and ends the transport. */
  close(): Promise<void>;
}

/** What a session tells whoever owns it. */
export interface ServerSessionEvents {
  /** A list is to be read anew. */
  onListChanged(kind: ListKind): void;
  /** A notification outside any request: `resources/updated`, log lines, whatever the server has of its own; list changes too. */
  onNotification(method: string, params: Readonly<Record<string, unknown>>): void;
}

/** A server's error in answer to a question of our own. */
export class QueryError extends Error {
  constructor(
    method: string,
    readonly error: JsonRpcError,
  ) {
    super(`${method} failed: ${error.message} (${error.code})`);
  }
}
