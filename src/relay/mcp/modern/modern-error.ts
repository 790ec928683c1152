import type { ServerResponse } from 'node:http';
import type { Accepts } from '../answers/accept.js';
import { sendJson } from '../answers/answer.js';
import { sendWhole } from '../exchange.js';
import { ErrorCode, type ErrorCodeNumber, errorResponse, type Shape } from '../json-rpc.js';

/** Why a request of the stateless revision is refused. */
export interface Refusal {
  readonly code: ErrorCodeNumber;
  readonly message: string;
  readonly data?: Shape;
  /** Where it is not the code's own. */
  readonly status?: number;
}

/** HTTP status of an error (26 basic/transports/streamable-http); whatever has none of its own is told in-band. */
export function errorStatus(code: number): number {
  switch (code) {
    case ErrorCode.methodNotFound:
      return 404;
    case ErrorCode.headerMismatch:
    case ErrorCode.missingCapability:
    case ErrorCode.unsupportedVersion:
      return 400;
    default:
      return 200;
  }
}

/** @param id JSON text of the request's id */
export function sendRefusal(res: ServerResponse, accepts: Accepts, id: string, refusal: Refusal): void {
  const { code, message, data, status = errorStatus(code) } = refusal;
  const response = errorResponse(id, code, message, data);
  if (status === 200) sendWhole(res, accepts, response);
  else sendJson(res, status, response);
}

export function unknownMethod(method: string): Refusal {
  return { code: ErrorCode.methodNotFound, message: `Method not found: ${method.slice(0, 128)}` };
}
