import { type CallHead, encodeCall } from '../../protocol/call-messages.js';
import type { CallRequest } from './types.js';

/** The `call` message of a request to a local server. */
export function callBody(server: string, request: CallRequest): Buffer {
  const { method, params, client, progressToken, logLevel, traceparent, notify, lasting } = request;
  const head: CallHead = { server, method, client, progressToken, logLevel, traceparent, notify, lasting };
  return encodeCall(head, params);
}
