import type { Logger } from '../../log/logger.js';
import { isBuiltInTool } from '../../protocol/names.js';
import type { Devices } from '../devices/types.js';
import { type CallReply, toolError } from './call-reply.js';
import { forwardParams } from './forward-params.js';
import { ErrorCode, isShape, type RpcRequest, rawMember } from './json-rpc.js';
import { RestartTool } from './restart-tool.js';
import type { Session } from './session.js';
import { statusOutput } from './status-tool.js';
import { toolResult } from './tool-output.js';

export interface ToolCallsParts {
  readonly devices: Devices;
  readonly draining: () => boolean;
  readonly version: string;
  readonly logger: Logger;
}

/** tools/call: finds whose tool it is, and sends the call there or answers it. */
export class ToolCalls {
  readonly #restart: RestartTool;

  constructor(private readonly parts: ToolCallsParts) {
    this.#restart = new RestartTool(parts.devices);
  }

  /** Never throws. @param traceparent W3C trace context of the HTTP request */
  start(session: Session, request: RpcRequest, reply: CallReply, traceparent: string | undefined): void {
    try {
      this.#start(session, request, reply, traceparent);
    } catch (error) {
      this.parts.logger.error('a call could not be started', { error });
      reply.error(ErrorCode.internal, 'The relay failed to start this call (outcome unknown)');
    }
  }

  #start(session: Session, request: RpcRequest, reply: CallReply, traceparent: string | undefined): void {
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
      this.#builtIn(name, session, params?.arguments, reply);
      return;
    }
    const found = this.parts.devices.resolve(session.userId, name);
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
    const token = isShape(params?._meta) ? params._meta.progressToken : undefined;
    const handle = this.parts.devices.call(
      found.tool.target,
      {
        method: 'tools/call',
        params: forwarded,
        client: session.client,
        ...(typeof token === 'string' || typeof token === 'number' ? { progressToken: token } : {}),
        logLevel: session.logLevel,
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      reply,
    );
    reply.started(handle);
  }

  #builtIn(name: 'status' | 'restart', session: Session, args: unknown, reply: CallReply): void {
    const { devices, version, logger } = this.parts;
    const { userId, client, claims } = session;
    if (name === 'status') {
      const output = statusOutput(devices.devices(userId), devices.tools(userId).omitted, version);
      reply.result(toolResult(output, claims.version));
      return;
    }
    if (this.parts.draining()) {
      reply.result(toolError(DRAINING));
      return;
    }
    this.#restart.run(userId, client, args, reply).then(
      (output) => reply.result(toolResult(output, claims.version)),
      (error: unknown) => {
        logger.error('restart failed', { error });
        reply.result(toolError('The restart failed inside the relay (outcome unknown). Use status to see what is up.'));
      },
    );
  }
}

const DRAINING = 'The relay is restarting and takes no new calls (not dispatched: safe to retry in a moment).';

/** A name of the client's, short enough to be said back. */
function shown(name: string): string {
  return name.length <= 128 ? name : `${name.slice(0, 128)}…`;
}
