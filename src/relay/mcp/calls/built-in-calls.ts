import type { Logger } from '../../../log/logger.js';
import type { BuiltInTool } from '../../../protocol/names.js';
import type { Devices } from '../../devices/types.js';
import { toolError } from '../answers/call-reply.js';
import { ErrorCode, isShape, type Shape } from '../json-rpc.js';
import type { MergedEndpoint } from '../lists/lists.js';
import { devicesAt } from '../scope.js';
import { DRAINING, type Forwarded, forward } from './forward.js';
import { RestartTool } from './restart-tool.js';
import { statusOutput } from './status-tool.js';
import { MAY_NOT_MANAGE, mayManage } from './step-up.js';
import { toolResult } from './tool-output.js';

export interface BuiltInCallsParts {
  readonly devices: Devices;
  readonly draining: () => boolean;
  readonly version: string;
  readonly logger: Logger;
}

/** Calls of the relay's own tools. */
export class BuiltInCalls {
  readonly #restart: RestartTool;

  constructor(private readonly parts: BuiltInCallsParts) {
    this.#restart = new RestartTool(parts.devices);
  }

  start(name: BuiltInTool, endpoint: MergedEndpoint, call: Forwarded): void {
    const { reply } = call;
    if (name === 'status') this.#status(endpoint, call);
    else if (name === 'restart' && !mayManage(call.scopes)) reply.error(ErrorCode.invalidRequest, MAY_NOT_MANAGE);
    else if (this.parts.draining()) reply.result(toolError(DRAINING));
    else if (name === 'restart') this.#startRestart(endpoint, call);
    else this.#readMore(endpoint, call);
  }

  #status(endpoint: MergedEndpoint, { caller, reply }: Forwarded): void {
    const { devices, version } = this.parts;
    const { userId, client } = caller;
    const present = devicesAt(devices, userId, endpoint);
    const only = endpoint.kind === 'device' ? (present[0]?.id ?? '') : undefined;
    const output = statusOutput(present, devices.tools(userId, only).omitted, version);
    reply.result(toolResult(output, client.protocolVersion));
  }

  #startRestart(endpoint: MergedEndpoint, { caller, request, reply }: Forwarded): void {
    const { devices, logger } = this.parts;
    const { userId, client } = caller;
    const present = devicesAt(devices, userId, endpoint);
    this.#restart.run(userId, present, client, request.params?.arguments, reply).then(
      (output) => reply.result(toolResult(output, client.protocolVersion)),
      (error: unknown) => {
        logger.error('restart failed', { error });
        reply.result(toolError('The restart failed inside the relay (outcome unknown). Use status to see what is up.'));
      },
    );
  }

  /** The agent that cut the result has the rest of it. */
  #readMore(endpoint: MergedEndpoint, call: Forwarded): void {
    const { caller, request, reply } = call;
    const { userId } = caller;
    const { id, from }: Shape = isShape(request.params?.arguments) ? request.params.arguments : {};
    if (typeof id !== 'string') {
      reply.result(toolError('read_more needs "id" and "from", as the cut result names them.'));
      return;
    }
    // `<device>.<server>~<random>`
    const [name] = id.split(/[.~]/, 1);
    const device = devicesAt(this.parts.devices, userId, endpoint).find((one) => one.name === name);
    if (device === undefined) {
      reply.result(toolError('Nothing is kept under this id, or its device is not connected. Call the tool again.'));
      return;
    }
    const target = { userId, deviceId: device.id, server: '' };
    const params = Buffer.from(JSON.stringify({ id, from }));
    forward(this.parts.devices, target, params, { ...call, request: { ...request, method: 'agent/read-more' } });
  }
}
