import { ErrorCode, errorResponse, type RpcRequest, resultResponse } from './json-rpc.js';
import { LOG_LEVELS, type Session } from './session.js';
import type { ToolLists } from './tool-list.js';

/** Requests of a legacy session that the relay answers at once, of itself. */
export class LegacyMethods {
  constructor(private readonly lists: ToolLists) {}

  /** @returns the whole response, in-band errors included */
  answer(session: Session, request: RpcRequest): Buffer {
    switch (request.method) {
      case 'ping':
        return resultResponse(request.id, '{}');
      case 'logging/setLevel':
        return this.#setLevel(session, request);
      case 'tools/list':
        return this.#listTools(session, request);
      default:
        return unknownMethod(request);
    }
  }

  #setLevel(session: Session, { id, params }: RpcRequest): Buffer {
    const level = LOG_LEVELS.find((known) => known === params?.level);
    if (level === undefined) {
      return errorResponse(id, ErrorCode.invalidParams, `params.level must be one of: ${LOG_LEVELS.join(', ')}`);
    }
    session.logLevel = level;
    return resultResponse(id, '{}');
  }

  #listTools(session: Session, request: RpcRequest): Buffer {
    const { id, params } = request;
    const { userId, endpoint } = session;
    if (!this.lists.hasTools(userId, endpoint)) return unknownMethod(request);
    const cursor = params?.cursor;
    if (cursor !== undefined && typeof cursor !== 'string') {
      return errorResponse(id, ErrorCode.invalidParams, 'params.cursor must be a string');
    }
    const page = this.lists.page(userId, endpoint, session.claims.version, cursor);
    if (page === undefined) {
      return errorResponse(id, ErrorCode.invalidParams, 'This cursor is not valid (any more): list from the start.');
    }
    session.knownRevision = page.revision;
    return resultResponse(id, page.json);
  }
}

function unknownMethod({ id, method }: RpcRequest): Buffer {
  return errorResponse(id, ErrorCode.methodNotFound, `Method not found: ${method.slice(0, 128)}`);
}
