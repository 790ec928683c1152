import type { Logger } from '../../log/logger.js';
import { isBuiltInTool } from '../../protocol/names.js';
import type { Devices, Resolution } from '../devices/types.js';
import { type CallReply, toolError } from './call-reply.js';
import type { Caller } from './caller.js';
import type { Endpoint } from './endpoint.js';
import { DRAINING, type Forwarded, forward } from './forward.js';
import { forwardParams } from './forward-params.js';
import { ErrorCode, isShape, rawMember } from './json-rpc.js';
import { RestartTool } from './restart-tool.js';
import { devicesAt } from './scope.js';
import { statusOutput } from './status-tool.js';
import { toolResult } from './tool-output.js';

export interface ToolCallsParts {
  readonly devices: Devices;
  readonly draining: () => boolean;
  readonly version: string;
  readonly logger: Logger;
}

/** An endpoint that shows the tools of several servers under names of ours. */
export type MergedEndpoint = Exclude<Endpoint, { readonly kind: 'server' }>;

/** tools/call at such an endpoint: finds whose tool it is, and sends the call there or answers it. */
export class ToolCalls {
  readonly #restart: RestartTool;

  constructor(private readonly parts: ToolCallsParts) {
    this.#restart = new RestartTool(parts.devices);
  }

  start(endpoint: MergedEndpoint, call: Forwarded): void {
    const { caller, request, reply } = call;
    const { params } = request;
    const name = params?.name;
    if (typeof name !== 'string') {
      reply.error(ErrorCode.invalidParams, 'params.name must be the name of a tool');
      return;
    }
    if (params?.arguments !== undefined && !isShape(params.arguments)) {
      reply.error(ErrorCode.invalidParams, 'params.arguments must be an object');
      return;
    }
    if (isBuiltInTool(name)) {
      this.#builtIn(name, endpoint, caller, params?.arguments, reply);
      return;
    }
    const found = this.#resolve(caller.userId, endpoint, name);
    if (found.kind === 'ambiguous') {
      const candidates = found.candidates.join(', ');
      reply.error(ErrorCode.invalidParams, `Ambiguous tool: ${shown(name)}. Call one of: ${candidates}`);
      return;
    }
    if (found.kind === 'unknown') {
      reply.error(ErrorCode.invalidParams, `Unknown tool: ${shown(name)}`);
      return;
    }
    if (this.parts.draining()) {
      reply.result(toolError(DRAINING));
      return;
    }
    const raw = rawMember(request.raw, 'params');
    const forwarded = raw && forwardParams(raw, found.tool.toolName);
    if (forwarded === undefined) {
      reply.error(ErrorCode.invalidParams, 'params has a member twice');
      return;
    }
    forward(this.parts.devices, found.tool.target, forwarded, call);
  }

  #resolve(userId: string, endpoint: MergedEndpoint, name: string): Resolution {
    const { devices } = this.parts;
    if (endpoint.kind === 'aggregate') return devices.resolve(userId, name);
    const [device] = devicesAt(devices, userId, endpoint);
    return device === undefined ? { kind: 'unknown' } : devices.resolve(userId, name, device.id);
  }

  #builtIn(
    name: 'status' | 'restart',
    endpoint: MergedEndpoint,
    caller: Caller,
    args: unknown,
    reply: CallReply,
  ): void {
    const { devices, version, logger } = this.parts;
    const { userId, client } = caller;
    const present = devicesAt(devices, userId, endpoint);
    if (name === 'status') {
      const only = endpoint.kind === 'device' ? (present[0]?.id ?? '') : undefined;
      const output = statusOutput(present, devices.tools(userId, only).omitted, version);
      reply.result(toolResult(output, client.protocolVersion));
      return;
    }
    if (this.parts.draining()) {
      reply.result(toolError(DRAINING));
      return;
    }
    this.#restart.run(userId, present, client, args, reply).then(
      (output) => reply.result(toolResult(output, client.protocolVersion)),
      (error: unknown) => {
        logger.error('restart failed', { error });
        reply.result(toolError('The restart failed inside the relay (outcome unknown). Use status to see what is up.'));
      },
    );
  }
}

/** A name of the client's, short enough to be said back. */
function shown(name: string): string {
  return name.length <= 128 ? name : `${name.slice(0, 128)}…`;
}
