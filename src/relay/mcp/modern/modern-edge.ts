import type { Limits } from '../../../config/config.js';
import type { Logger } from '../../../log/logger.js';
import type { Devices } from '../../devices/types.js';
import type { Accepts } from '../answers/accept.js';
import { Answer } from '../answers/answer.js';
import { CallReply } from '../answers/call-reply.js';
import { ownMembers } from '../answers/relay-info.js';
import { AgentAnswer } from '../calls/agent-answer.js';
import type { Forwarded } from '../calls/forward.js';
import { isMergedCall, type MergedCalls } from '../calls/merged-calls.js';
import { isForwarded, type ServerCalls } from '../calls/server-calls.js';
import { needsMore, refuseWithoutScope } from '../calls/step-up.js';
import { accepted, type Exchange, refuse, sendWhole } from '../exchange.js';
import {
  ErrorCode,
  isShape,
  type RpcBody,
  type RpcNotification,
  type RpcRequest,
  rawMember,
  resultResponse,
  sharedResponse,
} from '../json-rpc.js';
import { isListMethod, type Lists } from '../lists/lists.js';
import type { ListMethod } from '../lists/page-entries.js';
import { MODERN_VERSION } from '../protocol-versions.js';
import { isThere, notThere, serverAt } from '../scope.js';
import { discoverResult } from './discover.js';
import { paramHeaderProblem } from './mirrored-headers.js';
import { errorStatus, type Refusal, sendRefusal, unknownMethod } from './modern-error.js';
import type { ModernListens } from './modern-listens.js';
import { type Admitted, admit, senderOf } from './modern-request.js';
import { ModernStream } from './modern-stream.js';

export interface ModernParts {
  readonly limits: Pick<Limits, 'silentSeconds' | 'keepaliveSeconds'>;
  readonly devices: Devices;
  readonly lists: Pick<Lists, 'page'>;
  readonly mergedCalls: Pick<MergedCalls, 'start'>;
  readonly serverCalls: Pick<ServerCalls, 'start'>;
  readonly listens: ModernListens;
  readonly draining: () => boolean;
  readonly version: string;
  readonly logger: Logger;
}

/** Of other revisions or another transport. */
const REMOVED_NOTIFICATIONS = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]);

/** A request under way. */
interface Running {
  readonly grantId: string;
  readonly exchange: Exchange;
  readonly id: string;
  readonly reply: CallReply;
}

/** POST of the stateless revision, 2026-07-28: every request says of itself who asks and how. */
export class ModernEdge {
  readonly #running = new Set<Running>();

  constructor(private readonly parts: ModernParts) {}

  /** Answers one request body; its HTTP side has been checked. */
  post(exchange: Exchange, body: Exclude<RpcBody, { readonly kind: 'unreadable' }>, accepts: Accepts): void {
    const { res } = exchange;
    if (res.destroyed) return;
    const problem = bodyProblem(body);
    if (problem !== undefined) {
      refuse(res, 400, { code: ErrorCode.invalidRequest, ...problem });
    } else if (body.kind === 'single' && body.message.kind === 'request') {
      this.#request(exchange, body.message, accepts);
    } else {
      if (body.kind === 'single' && body.message.kind === 'notification') this.#notified(exchange, body.message);
      accepted(res);
    }
  }

  /** Ends what was asked with a token of this grant. */
  revoke(grantId: string): void {
    this.parts.listens.revoke(grantId);
    for (const each of [...this.#running]) if (each.grantId === grantId) this.#forbid(each);
  }

  /** Ends all: clients are told where there is still a way to. */
  async close(): Promise<void> {
    const message = 'The relay is shutting down.';
    for (const { reply } of [...this.#running]) reply.fail({ code: 'draining', dispatched: true, message });
    await this.parts.listens.end();
  }

  #request(exchange: Exchange, request: RpcRequest, accepts: Accepts): void {
    const admitted = admit(exchange, request);
    if ('code' in admitted) this.#refuse(exchange, request, accepts, admitted);
    else if (isThere(this.parts.devices, exchange.principal.userId, exchange.endpoint)) {
      this.#answer(exchange, request, accepts, admitted);
    } else this.#notThere(exchange, request, accepts, admitted);
  }

  #answer(exchange: Exchange, request: RpcRequest, accepts: Accepts, admitted: Admitted): void {
    const { endpoint } = exchange;
    const { method } = request;
    if (method === 'server/discover') this.#discover(exchange, request, accepts);
    else if (method === 'subscriptions/listen') {
      this.parts.listens.open({ exchange, request, accepts, ...admitted });
    } else if (endpoint.kind === 'server') {
      const problem = isForwarded(method) ? this.#paramProblem(exchange, request) : unknownMethod(method);
      if (problem !== undefined) this.#refuse(exchange, request, accepts, problem);
      else this.#call(exchange, request, accepts, admitted, (call) => this.parts.serverCalls.start(endpoint, call));
    } else if (needsMore(exchange, request)) refuseWithoutScope(exchange, request);
    else if (isListMethod(method)) this.#list(exchange, request, accepts, admitted, method);
    else if (isMergedCall(method, 'modern')) {
      this.#call(exchange, request, accepts, admitted, (call) => this.parts.mergedCalls.start(endpoint, call));
    } else this.#refuse(exchange, request, accepts, unknownMethod(method));
  }

  #discover({ principal, endpoint, res }: Exchange, { id }: RpcRequest, accepts: Accepts): void {
    const { devices, version } = this.parts;
    const result = discoverResult(devices, principal.userId, endpoint, version);
    if (typeof result === 'string') sendRefusal(res, accepts, id, { code: ErrorCode.internal, message: result });
    else sendWhole(res, accepts, resultResponse(id, JSON.stringify(result)));
  }

  #list(exchange: Exchange, request: RpcRequest, accepts: Accepts, { caller }: Admitted, method: ListMethod): void {
    const cursor = request.params?.cursor;
    const page =
      cursor === undefined || typeof cursor === 'string' ? this.parts.lists.page(caller, method, cursor) : undefined;
    if (page === undefined) {
      const message = 'params.cursor is not valid (any more): list from the start';
      this.#refuse(exchange, request, accepts, { code: ErrorCode.invalidParams, message });
    } else sendWhole(exchange.res, accepts, sharedResponse(request.id, page.ending));
  }

  #call(
    exchange: Exchange,
    request: RpcRequest,
    accepts: Accepts,
    { caller, traceparent }: Admitted,
    start: (call: Forwarded) => void,
  ): void {
    const { principal, res } = exchange;
    const { limits, version, logger } = this.parts;
    const openStream = (taken: (bytes: number) => void) => new ModernStream(limits.keepaliveSeconds, taken);
    const settings = { accepts, silentSeconds: limits.silentSeconds, openStream, errorStatus };
    const reply = new CallReply(
      request.id,
      request.method === 'tools/call' ? 'tool' : 'error',
      (taken) => new Answer(res, settings, taken),
      () => this.#running.delete(running),
      { members: ownMembers('modern', version, MODERN_VERSION) },
    );
    const running: Running = { grantId: principal.grantId, exchange, id: request.id, reply };
    this.#running.add(running);
    // A client that leaves has cancelled (26 basic/patterns/cancellation).
    res.once('close', () => reply.cancel('the client closed the stream'));
    try {
      start({ caller, request, reply, traceparent, scopes: principal.scopes });
    } catch (error) {
      logger.error('a call could not be started', { error });
      reply.error(ErrorCode.internal, 'The relay failed to start this call (outcome unknown)');
    }
  }

  /** A transparent endpoint's client has the server's own schemas, `x-mcp-header` and all. */
  #paramProblem({ principal, endpoint, req }: Exchange, { method, params }: RpcRequest): Refusal | undefined {
    if (endpoint.kind !== 'server' || method !== 'tools/call') return undefined;
    const server = serverAt(this.parts.devices, principal.userId, endpoint)?.server;
    const tool = server?.tools.find(({ name }) => name === params?.name);
    if (!isShape(tool)) return undefined;
    const problem = paramHeaderProblem(req.headersDistinct, tool.inputSchema, params?.arguments);
    return problem === undefined ? undefined : { code: ErrorCode.headerMismatch, message: problem };
  }

  /**
   * The revision itself has no notifications from clients: what cancels is closing the stream (26
   * basic/transports/streamable-http). A server's own get there from its transparent endpoint.
   */
  #notified(exchange: Exchange, notification: RpcNotification): void {
    const { endpoint } = exchange;
    const { method, raw } = notification;
    if (endpoint.kind !== 'server' || REMOVED_NOTIFICATIONS.has(method) || !isForwarded(method)) return;
    const { devices, draining } = this.parts;
    const caller = senderOf(exchange, notification);
    const at = caller && serverAt(devices, caller.userId, endpoint);
    if (caller === undefined || at === undefined || draining()) return;
    const target = { userId: caller.userId, deviceId: at.device.id, server: at.server.name };
    const params = rawMember(raw, 'params') ?? Buffer.alloc(0);
    const ignored = new AgentAnswer();
    ignored.started(devices.call(target, { method, params, client: caller.client, notify: true }, ignored));
  }

  /** A model can act on a tool's result; any other request went to an address that does not exist. */
  #notThere(exchange: Exchange, request: RpcRequest, accepts: Accepts, admitted: Admitted): void {
    const { principal, endpoint } = exchange;
    const message = notThere(this.parts.devices, principal.userId, endpoint, principal.audience);
    if (request.method === 'tools/call') {
      this.#call(exchange, request, accepts, admitted, ({ reply }) => reply.refuse(message));
    } else this.#refuse(exchange, request, accepts, { code: ErrorCode.invalidRequest, message, status: 404 });
  }

  #refuse({ res }: Exchange, { id }: RpcRequest, accepts: Accepts, refusal: Refusal): void {
    sendRefusal(res, accepts, id, refusal);
  }

  #forbid({ exchange, id, reply }: Running): void {
    const { res } = exchange;
    if (!res.headersSent) {
      res.setHeader('WWW-Authenticate', 'Bearer error="invalid_token"');
      refuse(res, 401, { code: ErrorCode.invalidRequest, message: 'Access was revoked (outcome unknown)', id });
    }
    reply.cancel('access was revoked');
  }
}

/** The body is one request or one notification (26 basic/transports/streamable-http, "Sending Messages"). */
function bodyProblem(
  body: Exclude<RpcBody, { readonly kind: 'unreadable' }>,
): { readonly message: string; readonly id?: string } | undefined {
  if (body.kind === 'batch') return { message: 'This revision has no batches: send one message' };
  const { message } = body;
  if (message.kind === 'invalid') return { message: message.problem, id: message.id };
  if (message.kind === 'response') return { message: 'This revision has no responses from clients' };
  return undefined;
}
