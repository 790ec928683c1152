import { members } from '../../protocol/json-spans.js';
import type { Devices } from '../devices/types.js';
import type { ServerEndpoint } from './endpoint.js';
import { DRAINING, type Forwarded, forward } from './forward.js';
import { rawMember } from './json-rpc.js';
import { serverAt } from './scope.js';

/** Methods that the relay answers at a transparent endpoint, too: what they are about belongs to the client's session. */
const OWN = new Set(['ping', 'logging/setLevel', 'tools/list']);
/** Not forwarded, because what follows from them would never reach the client; their capabilities are not declared. */
const REFUSED = /^(?:resources\/(?:un)?subscribe|tasks\/.*)$/;
/** The longest method that a call may have (protocol/messages.ts); the link ends over a longer one. */
const METHOD_MAX = 256;

/** True for a request that goes to the server of a transparent endpoint, whatever its method means. */
export function isForwarded(method: string): boolean {
  return method.length <= METHOD_MAX && !OWN.has(method) && !REFUSED.test(method);
}

/** Requests at a transparent endpoint: to the server as they are, the answer back as it is. */
export class ServerCalls {
  constructor(
    private readonly devices: Devices,
    private readonly draining: () => boolean,
  ) {}

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
    const params = rawMember(request.raw, 'params') ?? Buffer.alloc(0);
    forward(this.devices, target, request.method === 'tools/call' ? withoutTask(params) : params, call);
  }
}

/** Whoever does not declare tasks takes a request as if `task` were not there (25N tasks, "Capability negotiation"). */
function withoutTask(params: Buffer): Buffer {
  const all = members(params, 0, params.length) ?? [];
  const kept = all.filter(({ name }) => name !== 'task');
  if (kept.length === all.length) return params;
  return Buffer.from(`{${kept.map(({ keyStart, end }) => params.toString('utf8', keyStart, end)).join(',')}}`);
}
