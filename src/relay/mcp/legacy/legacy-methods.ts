import { LOG_LEVELS } from '../../../protocol/log-levels.js';
import {
  ErrorCode,
  errorResponse,
  type RpcRequest,
  resultResponse,
  type SharedResponse,
  sharedResponse,
} from '../json-rpc.js';
import { isListMethod, kindOfList, type Lists } from '../lists/lists.js';
import type { ListMethod } from '../lists/page-entries.js';
import type { Session } from './session.js';

/** Requests of a legacy session that the relay answers at once, of itself. */
export class LegacyMethods {
  constructor(private readonly lists: Lists) {}

  /** @returns the whole response, in-band errors included */
  answer(session: Session, request: RpcRequest): Buffer | SharedResponse {
    switch (request.method) {
      case 'ping':
        return resultResponse(request.id, '{}');
      case 'logging/setLevel':
        return this.#setLevel(session, request);
      default:
        return isListMethod(request.method) ? this.#list(session, request, request.method) : unknownMethod(request);
    }
  }

  #setLevel(session: Session, { id, params }: RpcRequest): Buffer {
    const level = LOG_LEVELS.find((known) => known === params?.level);
    if (level === undefined) {
      return errorResponse(id, ErrorCode.invalidParams, `params.level must be one of: ${LOG_LEVELS.join(', ')}`);
    }
    if (level !== session.logLevel) {
      session.logLevel = level;
      // What is told outside of calls is told from this level on.
      session.listen?.open();
      session.calledListens?.open();
    }
    return resultResponse(id, '{}');
  }

  #list(session: Session, request: RpcRequest, method: ListMethod): Buffer | SharedResponse {
    const { id, params } = request;
    const cursor = params?.cursor;
    if (cursor !== undefined && typeof cursor !== 'string') {
      return errorResponse(id, ErrorCode.invalidParams, 'params.cursor must be a string');
    }
    const page = this.lists.page(session.caller(false), method, cursor);
    if (page === undefined) {
      return errorResponse(id, ErrorCode.invalidParams, 'This cursor is not valid (any more): list from the start.');
    }
    const kind = kindOfList(method);
    // Resources have a second list, and a client that has one of the two knows of both.
    const whole = kind === 'resources' ? this.lists.revision(session.userId, session.endpoint, kind) : page.revision;
    session.known.set(kind, whole);
    return sharedResponse(id, page.ending);
  }
}

function unknownMethod({ id, method }: RpcRequest): Buffer {
  return errorResponse(id, ErrorCode.methodNotFound, `Method not found: ${method.slice(0, 128)}`);
}
