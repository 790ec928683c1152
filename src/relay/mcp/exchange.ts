import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../auth/principal.js';
import { type Accepts } from './answers/accept.js';
import { sendJson, sendShared } from './answers/answer.js';
import { sendOneEvent, sendSharedEvent } from './answers/event-stream.js';
import type { Endpoint } from './endpoint.js';
import { type ErrorCodeNumber, errorResponse, type SharedResponse } from './json-rpc.js';

/** One HTTP request to an MCP endpoint, and who sent it. */
export interface Exchange {
  readonly principal: Principal;
  readonly endpoint: Endpoint;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** The value of a header, the first where a client sent several. */
export function header(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** Refuses the HTTP request itself, with a JSON-RPC error as its body. */
export function refuse(
  res: ServerResponse,
  status: number,
  error: { readonly code: ErrorCodeNumber; readonly message: string; readonly id?: string },
): void {
  sendJson(res, status, errorResponse(error.id ?? 'null', error.code, error.message));
}

/** A whole response that is there at once: JSON, or one event for a client that takes only those. */
export function sendWhole(res: ServerResponse, accepts: Accepts, response: Buffer | SharedResponse): void {
  if (!Buffer.isBuffer(response)) (accepts.json ? sendShared : sendSharedEvent)(res, response);
  else if (accepts.json) sendJson(res, 200, response);
  else sendOneEvent(res, response);
}

/** 202: taken, nothing to answer. */
export function accepted(res: ServerResponse): void {
  if (!res.destroyed && !res.writableEnded) res.writeHead(202, { 'Content-Length': 0 }).end();
}
