import type { Logger } from '../../../log/logger.js';
import { isBuiltInTool } from '../../../protocol/names.js';
import type { Devices } from '../../devices/types.js';
import { ErrorCode, isShape, rawMember } from '../json-rpc.js';
import type { MergedEndpoint } from '../lists/lists.js';
import { BuiltInCalls } from './built-in-calls.js';
import { DRAINING, type Forwarded, forward } from './forward.js';
import { forwardParams } from './forward-params.js';
import { type Found, MergedTargets, type Refused } from './merged-targets.js';

export interface MergedCallsParts {
  readonly devices: Devices;
  readonly draining: () => boolean;
  readonly version: string;
  readonly logger: Logger;
}

const METHODS = new Set(['tools/call', 'prompts/get', 'resources/read', 'completion/complete']);
/** Of the tasks extension, which only the stateless revision has. */
const TASK_METHODS = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);

/** True for a request that a merged endpoint sends to the one local server it is about. */
export function isMergedCall(method: string, era: 'legacy' | 'modern'): boolean {
  return METHODS.has(method) || (era === 'modern' && TASK_METHODS.has(method));
}

/** Requests at an endpoint of several servers: each goes to the server whose tool, prompt, resource or task it is about. */
export class MergedCalls {
  readonly #targets: MergedTargets;
  readonly #builtIn: BuiltInCalls;

  constructor(private readonly parts: MergedCallsParts) {
    this.#targets = new MergedTargets(parts.devices);
    this.#builtIn = new BuiltInCalls(parts);
  }

  /** @param call its method is one that `isMergedCall` knows */
  start(endpoint: MergedEndpoint, call: Forwarded): void {
    const { request, reply } = call;
    const { params } = request;
    if (request.method === 'tools/call') {
      if (params?.arguments !== undefined && !isShape(params.arguments)) {
        reply.error(ErrorCode.invalidParams, 'params.arguments must be an object');
        return;
      }
      if (typeof params?.name === 'string' && isBuiltInTool(params.name)) {
        this.#builtIn.start(params.name, endpoint, call);
        return;
      }
    }
    const found = this.#find(endpoint, call);
    if ('code' in found) {
      reply.error(found.code, found.message, found.data);
      return;
    }
    if (this.parts.draining()) {
      reply.refuse(DRAINING);
      return;
    }
    const raw = rawMember(request.raw, 'params');
    const forwarded = raw && forwardParams(raw, found.path, found.own);
    if (forwarded === undefined) {
      reply.error(ErrorCode.invalidParams, 'params has a member twice');
      return;
    }
    forward(this.parts.devices, found.target, forwarded, call, found.key);
  }

  #find(endpoint: MergedEndpoint, { caller, request }: Forwarded): Found | Refused {
    const { method, params } = request;
    switch (method) {
      case 'tools/call':
        return this.#targets.tool(endpoint, caller, params?.name);
      case 'prompts/get':
        return this.#targets.prompt(endpoint, caller, params?.name);
      case 'resources/read':
        return this.#targets.resource(endpoint, caller, params?.uri);
      case 'completion/complete':
        return this.#targets.reference(endpoint, caller, params?.ref);
      default:
        return this.#targets.task(endpoint, caller, params?.taskId);
    }
  }
}
