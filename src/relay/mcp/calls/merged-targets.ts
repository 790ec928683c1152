import { ownUri, uriKey } from '../../../protocol/uris.js';
import type { CallTarget, Devices } from '../../devices/types.js';
import type { Caller } from '../caller.js';
import { ErrorCode, isShape, type Shape } from '../json-rpc.js';
import type { MergedEndpoint } from '../lists/lists.js';
import { devicesAt } from '../scope.js';
import type { NamePath } from './forward-params.js';

/** Where a request leads: what it is about, under its server's own name, and that server. */
export interface Found {
  readonly target: CallTarget;
  /** See protocol/uris.ts. */
  readonly key: string;
  readonly path: NamePath;
  readonly own: string;
}

/** Why it leads nowhere. */
export interface Refused {
  readonly code: -32602 | -32002;
  readonly message: string;
  readonly data?: Shape;
}

/** At an endpoint of several servers: whose tool, prompt, resource or task a request is about. */
export class MergedTargets {
  constructor(private readonly devices: Devices) {}

  tool(endpoint: MergedEndpoint, { userId }: Caller, name: unknown): Found | Refused {
    if (typeof name !== 'string') return invalid('params.name must be the name of a tool');
    const only = this.#only(endpoint, userId);
    if (only === null) return unknown('tool', name);
    const resolution = this.devices.resolve(userId, name, only);
    if (resolution.kind === 'ambiguous') return ambiguous('tool', name, resolution.candidates);
    if (resolution.kind === 'unknown') return unknown('tool', name);
    const { target, deviceName, toolName } = resolution.tool;
    return { target, key: uriKey(deviceName, target.server), path: ['name'], own: toolName };
  }

  prompt(endpoint: MergedEndpoint, { userId }: Caller, name: unknown, path: NamePath = ['name']): Found | Refused {
    if (typeof name !== 'string') return invalid(`params.${path.join('.')} must be the name of a prompt`);
    const only = this.#only(endpoint, userId);
    if (only === null) return unknown('prompt', name);
    const resolution = this.devices.resolvePrompt(userId, name, only);
    if (resolution.kind === 'ambiguous') return ambiguous('prompt', name, resolution.candidates);
    if (resolution.kind === 'unknown') return unknown('prompt', name);
    const { target, deviceName, promptName } = resolution.prompt;
    return { target, key: uriKey(deviceName, target.server), path, own: promptName };
  }

  /** Not found: -32002 at the legacy revisions, -32602 at the stateless one, the URI in `data` (26 server/resources). */
  resource(endpoint: MergedEndpoint, caller: Caller, uri: unknown, path: NamePath = ['uri']): Found | Refused {
    if (typeof uri !== 'string') return invalid(`params.${path.join('.')} must be the URI of a resource`);
    const only = this.#only(endpoint, caller.userId);
    const resolution =
      only === null ? ({ kind: 'unknown' } as const) : this.devices.resolveUri(caller.userId, uri, only);
    if (resolution.kind === 'ambiguous') return { ...ambiguous('resource', uri, resolution.candidates), data: { uri } };
    if (resolution.kind === 'found') {
      return { target: resolution.target, key: resolution.uriKey, path, own: resolution.uri };
    }
    // A completion's reference is an argument like others (25N server/utilities/completion).
    const legacyRead = caller.client.era === 'legacy' && path.length === 1;
    const code = legacyRead ? ErrorCode.resourceNotFound : ErrorCode.invalidParams;
    return { code, message: `Resource not found: ${shown(uri)}`, data: { uri } };
  }

  /** What a completion is for. */
  reference(endpoint: MergedEndpoint, caller: Caller, ref: unknown): Found | Refused {
    const { type, name, uri }: Shape = isShape(ref) ? ref : {};
    if (type === 'ref/prompt') return this.prompt(endpoint, caller, name, ['ref', 'name']);
    if (type === 'ref/resource') return this.resource(endpoint, caller, uri, ['ref', 'uri']);
    return invalid('params.ref.type must be "ref/prompt" or "ref/resource"');
  }

  /** Ids of tasks have their server's key in front, as URIs have. */
  task(endpoint: MergedEndpoint, { userId }: Caller, taskId: unknown): Found | Refused {
    if (typeof taskId !== 'string') return invalid('params.taskId must be the id of a task');
    const own = ownUri(taskId);
    for (const device of devicesAt(this.devices, userId, endpoint)) {
      for (const { name: server } of device.servers) {
        if (uriKey(device.name, server) !== own?.key) continue;
        return { target: { userId, deviceId: device.id, server }, key: own.key, path: ['taskId'], own: own.uri };
      }
    }
    return unknown('task', taskId);
  }

  /** The id of the endpoint's device; null when it is not there, undefined for all devices. */
  #only(endpoint: MergedEndpoint, userId: string): string | null | undefined {
    if (endpoint.kind === 'aggregate') return undefined;
    return devicesAt(this.devices, userId, endpoint)[0]?.id ?? null;
  }
}

function invalid(message: string): Refused {
  return { code: ErrorCode.invalidParams, message };
}

function unknown(what: string, name: string): Refused {
  return invalid(`Unknown ${what}: ${shown(name)}`);
}

function ambiguous(what: string, name: string, candidates: readonly string[]): Refused {
  return invalid(`Ambiguous ${what}: ${shown(name)}. Call one of: ${candidates.join(', ')}`);
}

/** A name of the client's, short enough to be said back. */
function shown(name: string): string {
  return name.length <= 128 ? name : `${name.slice(0, 128)}…`;
}
