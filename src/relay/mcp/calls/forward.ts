import type { CallClient } from '../../../protocol/call-messages.js';
import type { CallTarget, Devices } from '../../devices/types.js';
import type { CallReply } from '../answers/call-reply.js';
import type { Caller } from '../caller.js';
import { isShape, type RpcRequest } from '../json-rpc.js';

/** A request under way: what every way of answering it has in common. */
export interface Forwarded {
  readonly caller: Caller;
  readonly request: RpcRequest;
  readonly reply: CallReply;
  /** W3C trace context of the HTTP request. */
  readonly traceparent: string | undefined;
  /** Of the access token that this very request came with. */
  readonly scopes: ReadonlySet<string>;
}

export const DRAINING = 'The relay is restarting and takes no new calls (not dispatched: safe to retry in a moment).';

/**
 * Sends a request to a local server.
 * @param params JSON text, as the server is to see them; empty: none
 * @param key what URIs of this server's begin with for this client (protocol/uris.ts); undefined: they stay as they are
 */
export function forward(devices: Devices, target: CallTarget, params: Buffer, call: Forwarded, key?: string): void {
  const { caller, request, reply, traceparent } = call;
  const token = isShape(request.params?._meta) ? request.params._meta.progressToken : undefined;
  const handle = devices.call(
    target,
    {
      method: request.method,
      params,
      client: key === undefined ? caller.client : keyed(caller.client, key),
      progressToken: typeof token === 'string' || typeof token === 'number' ? token : undefined,
      logLevel: caller.logLevel,
      traceparent,
    },
    reply,
  );
  reply.started(handle);
  caller.went?.(target.deviceId, key);
}

/** The last one of each client: mostly it calls the same server again, and then its text is made already (encodeCall). */
const lastKeyed = new WeakMap<CallClient, CallClient>();

function keyed(client: CallClient, uriKey: string): CallClient {
  // One of the modern era is made anew with each request.
  if (client.era === 'modern') return withKey(client, uriKey);
  const last = lastKeyed.get(client);
  if (last?.uriKey === uriKey) return last;
  const made = withKey(client, uriKey);
  lastKeyed.set(client, made);
  return made;
}

/** Every key by itself: a spread with more behind it takes V8 most of a kilobyte, and this is made for each call. */
function withKey(client: CallClient, uriKey: string): CallClient {
  const { era, protocolVersion, endpoint, id, info, capabilities, ask, session } = client;
  return { era, protocolVersion, endpoint, id, info, capabilities, ask, session, uriKey };
}
