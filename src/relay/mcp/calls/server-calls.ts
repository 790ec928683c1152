import type { Devices } from '../../devices/types.js';
import type { ServerEndpoint } from '../endpoint.js';
import { rawMember } from '../json-rpc.js';
import { serverAt } from '../scope.js';
import { DRAINING, type Forwarded, forward } from './forward.js';

/** What belongs to the client's session or connection, and not to its server. */
const OWN = new Set(['initialize', 'ping', 'logging/setLevel', 'subscriptions/listen']);
/** The longest method that a call may have (protocol/call-messages.ts); the link ends over a longer one. */
const METHOD_MAX = 256;

/** True for a request, or a notification, that goes to the server of a transparent endpoint, whatever its method means. */
export function isForwarded(method: string): boolean {
  return Buffer.byteLength(method) <= METHOD_MAX && !OWN.has(method);
}

/** Requests at a transparent endpoint: to the server as they are, the answer back as it is. */
export class ServerCalls {
  constructor(
    private readonly devices: Devices,
    private readonly draining: () => boolean,
  ) {}

  /** @param call its method is one that `isForwarded` knows */
  start(endpoint: ServerEndpoint, call: Forwarded): void {
    const { caller, request, reply } = call;
    const found = serverAt(this.devices, caller.userId, endpoint);
    if (found === undefined) {
      const where = `${endpoint.server} on ${endpoint.device}`;
      reply.refuse(`${where} is not connected. Start the agent there (not dispatched: safe to retry).`);
      return;
    }
    if (this.draining()) {
      reply.refuse(DRAINING);
      return;
    }
    const target = { userId: caller.userId, deviceId: found.device.id, server: found.server.name };
    forward(this.devices, target, rawMember(request.raw, 'params') ?? Buffer.alloc(0), call);
  }
}
