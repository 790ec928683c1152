import type { Limits } from '../../../config/config.js';
import type { Devices } from '../../devices/types.js';
import type { Accepts } from '../answers/accept.js';
import { Answer } from '../answers/answer.js';
import { BatchAnswer } from '../answers/batch-answer.js';
import type { ReplayStreams } from '../answers/replay-streams.js';
import { needsMore, refuseWithoutScope } from '../calls/step-up.js';
import { accepted, type Exchange, header, refuse, sendWhole } from '../exchange.js';
import {
  ErrorCode,
  errorResponse,
  idText,
  isShape,
  type RpcBody,
  type RpcMessage,
  type RpcRequest,
  rawMember,
  resultResponse,
} from '../json-rpc.js';
import { LIST_KINDS, type Lists } from '../lists/lists.js';
import { traceContext } from '../modern/envelope.js';
import { isLegacyVersion, negotiate } from '../protocol-versions.js';
import { isThere, notThere } from '../scope.js';
import { initializeResult } from './initialize-result.js';
import { isCall, type LegacyCalls, type PostContext } from './legacy-calls.js';
import type { LegacyMethods } from './legacy-methods.js';
import type { Session } from './session.js';
import type { Sessions } from './sessions.js';

export interface LegacyParts {
  readonly limits: Limits;
  readonly devices: Devices;
  readonly sessions: Sessions;
  readonly lists: Lists;
  readonly methods: LegacyMethods;
  readonly calls: LegacyCalls;
  readonly streams: ReplayStreams;
  readonly version: string;
}

/** POST of the revisions with `initialize` and sessions: 2024-11-05 to 2025-11-25. */
export class LegacyEdge {
  constructor(private readonly parts: LegacyParts) {}

  /** Answers one request body; its HTTP side has been checked. @returns what is left to wait for */
  post(
    exchange: Exchange,
    body: Exclude<RpcBody, { readonly kind: 'unreadable' }>,
    accepts: Accepts,
  ): Promise<void> | undefined {
    const { req, res } = exchange;
    if (body.kind === 'single' && isInitialize(body.message)) return this.#initialize(exchange, body.message, accepts);
    const version = header(req, 'mcp-protocol-version');
    if (version !== undefined && !isLegacyVersion(version)) {
      const message = `Unsupported MCP-Protocol-Version: ${version.slice(0, 64)}`;
      refuse(res, 400, { code: ErrorCode.invalidRequest, message });
      return undefined;
    }
    const answer = (session: Session | undefined): void => {
      if (session === undefined) this.#noSession(exchange, 400);
      else if (body.kind === 'batch') this.#batch(exchange, session, body.messages, accepts);
      else this.#single(exchange, session, body.message, accepts);
    };
    const found = this.#find(exchange);
    if (found instanceof Promise) return found.then(answer);
    answer(found);
    return undefined;
  }

  /**
   * The session a request names; where there is none of this principal's, the request is refused with 404, or with
   * `missing` where it names none, and the result is undefined. One that is there outlives its device's absence.
   */
  async session(exchange: Exchange, missing: 400 | 405): Promise<Session | undefined> {
    const session = await this.#find(exchange);
    if (session === undefined) this.#noSession(exchange, missing);
    return session;
  }

  #find({ principal, endpoint, req }: Exchange): Session | undefined | Promise<Session | undefined> {
    const id = header(req, 'mcp-session-id');
    return id === undefined ? undefined : this.parts.sessions.find(id, principal, endpoint);
  }

  #noSession(exchange: Exchange, missing: 400 | 405): void {
    const { req, res } = exchange;
    if (!this.exists(exchange)) {
      this.#notThere(exchange);
    } else if (header(req, 'mcp-session-id') === undefined) {
      if (missing === 405) res.setHeader('Allow', 'POST, OPTIONS');
      const message = 'Mcp-Session-Id is missing: send initialize first';
      refuse(res, missing, { code: ErrorCode.invalidRequest, message });
    } else {
      refuse(res, 404, { code: ErrorCode.sessionNotFound, message: 'Session not found: send initialize again' });
    }
  }

  /** Whether the endpoint is there for whoever asks. */
  exists({ principal, endpoint }: Exchange): boolean {
    return isThere(this.parts.devices, principal.userId, endpoint);
  }

  #notThere({ principal, endpoint, res }: Exchange, id?: string): void {
    const message = notThere(this.parts.devices, principal.userId, endpoint, principal.audience);
    refuse(res, 404, { code: ErrorCode.invalidRequest, message, ...(id === undefined ? {} : { id }) });
  }

  async #initialize(exchange: Exchange, request: RpcRequest, accepts: Accepts): Promise<void> {
    const { principal, endpoint, res } = exchange;
    const { params } = request;
    if (!this.exists(exchange)) return this.#notThere(exchange, request.id);
    if (params === undefined) {
      return sendWhole(res, accepts, errorResponse(request.id, ErrorCode.invalidParams, 'initialize needs params'));
    }
    const version = negotiate(params.protocolVersion);
    const { devices, sessions, lists } = this.parts;
    const known = LIST_KINDS.map((kind) => [kind, lists.revision(principal.userId, endpoint, kind)] as const);
    const result = initializeResult(devices, principal.userId, endpoint, version, this.parts.version);
    if (typeof result === 'string') {
      return sendWhole(res, accepts, errorResponse(request.id, ErrorCode.internal, result));
    }
    const { id, session } = await sessions.create(principal, endpoint, {
      version,
      capabilities: isShape(params.capabilities) ? params.capabilities : {},
      clientInfo: isShape(params.clientInfo) ? params.clientInfo : undefined,
    });
    for (const [kind, revision] of known) session.known.set(kind, revision);
    if (res.destroyed) return;
    res.setHeader('Mcp-Session-Id', id);
    sendWhole(res, accepts, resultResponse(request.id, JSON.stringify(result)));
  }

  #single(exchange: Exchange, session: Session, message: RpcMessage, accepts: Accepts): void {
    const { res } = exchange;
    if (message.kind === 'invalid') {
      refuse(res, 400, { code: ErrorCode.invalidRequest, message: message.problem, id: message.id });
      return;
    }
    if (message.kind !== 'request') {
      this.#taken(session, message);
      accepted(res);
      return;
    }
    if (!isCall(session, message.method)) {
      sendWhole(res, accepts, this.parts.methods.answer(session, message));
      return;
    }
    if (needsMore(exchange, message)) {
      refuseWithoutScope(exchange, message);
      return;
    }
    if (session.running.has(message.id)) {
      const problem = 'A request with this id is still running in this session';
      refuse(res, 400, { code: ErrorCode.invalidRequest, message: problem, id: message.id });
      return;
    }
    this.parts.calls.start(session, message, context(exchange, accepts), (taken) =>
      this.#answer(exchange, session, message.id, accepts, taken),
    );
  }

  /** Only 2025-03-26 has batches (25M basic, "Batching"). */
  #batch(exchange: Exchange, session: Session, messages: readonly RpcMessage[], accepts: Accepts): void {
    const { res } = exchange;
    const refused = batchProblem(session, messages);
    if (refused !== undefined) {
      refuse(res, 400, { code: ErrorCode.invalidRequest, message: refused });
      return;
    }
    const open = messages.filter((message) => message.kind === 'request' || message.kind === 'invalid');
    for (const message of messages) this.#taken(session, message);
    if (open.length === 0) {
      accepted(res);
      return;
    }
    const answer = this.#answer(exchange, session, 'null', accepts, () => {});
    const post = context(exchange, accepts);
    const batch = new BatchAnswer(answer, open.length, this.parts.limits.requestBytes);
    for (const message of open) {
      if (message.kind === 'invalid') {
        batch.add(errorResponse(message.id, ErrorCode.invalidRequest, message.problem));
      } else if (!isCall(session, message.method)) batch.add(this.parts.methods.answer(session, message));
      else if (session.running.has(message.id)) {
        batch.add(errorResponse(message.id, ErrorCode.invalidRequest, 'A request with this id is still running'));
      } else this.parts.calls.start(session, message, post, (taken) => batch.slot(message.id, taken));
    }
  }

  #answer({ res }: Exchange, session: Session, id: string, accepts: Accepts, taken: (bytes: number) => void): Answer {
    return new Answer(
      res,
      {
        accepts,
        silentSeconds: this.parts.limits.silentSeconds,
        openStream: (told) => this.parts.streams.open(session, id, told),
      },
      taken,
    );
  }

  /**
   * What has no answer. Nothing comes of `initialized`, which says nothing new; of `progress` on a question, which has no
   * way to its server; and of `roots/list_changed`, because roots are the agent's.
   */
  #taken(session: Session, message: RpcMessage): void {
    if (message.kind === 'response') {
      const json = rawMember(message.raw, message.outcome);
      if (message.id !== undefined && json !== undefined) session.questions.answered(message.id, message.outcome, json);
      return;
    }
    if (message.kind !== 'notification') return;
    const { method, params, raw } = message;
    this.parts.calls.notify(session, message);
    if (method !== 'notifications/cancelled') return;
    const id = idText(params?.requestId, 'requestId', () => rawMember(raw, 'params'));
    const reason = typeof params?.reason === 'string' ? params.reason.slice(0, 200) : 'cancelled by the client';
    if (id !== undefined) session.running.get(id)?.reply.cancel(reason);
  }
}

function context({ principal, req }: Exchange, accepts: Accepts): PostContext {
  const { grantId, scopes } = principal;
  return { grantId, scopes, events: accepts.events, traceparent: traceContext(header(req, 'traceparent')) };
}

function isInitialize(message: RpcMessage): message is RpcRequest {
  return message.kind === 'request' && message.method === 'initialize';
}

function batchProblem(session: Session, messages: readonly RpcMessage[]): string | undefined {
  if (session.claims.version !== '2025-03-26') return 'Batches exist in protocol version 2025-03-26 only';
  return messages.some(isInitialize) ? 'initialize cannot be in a batch' : undefined;
}
