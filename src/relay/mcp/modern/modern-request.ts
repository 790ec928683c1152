import { createHash } from 'node:crypto';
import type { CallClient } from '../../../protocol/call-messages.js';
import { LOG_LEVELS } from '../../../protocol/log-levels.js';
import type { Principal } from '../../auth/principal.js';
import type { Caller } from '../caller.js';
import type { Endpoint } from '../endpoint.js';
import { type Exchange, header } from '../exchange.js';
import { carriedExtensions, tasksRefusal } from '../extensions.js';
import { ErrorCode, type RpcNotification, type RpcRequest } from '../json-rpc.js';
import { ALL_VERSIONS, MODERN_VERSION } from '../protocol-versions.js';
import { type Envelope, readEnvelope, traceContext } from './envelope.js';
import { headerProblem } from './mirrored-headers.js';
import { type Refusal, unknownMethod } from './modern-error.js';

/** A request of the stateless revision whose envelope and headers hold, and who sent it. */
export interface Admitted {
  readonly caller: Caller;
  /** W3C trace context, from `_meta` or from the HTTP request. */
  readonly traceparent: string | undefined;
}

/** Methods of other revisions: whoever sends them under an envelope is told that this one has none of them (26 changelog). */
const REMOVED = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/list',
  'tasks/result',
]);

/**
 * Checks all of a request that does not depend on what it is about, in the order of 26 basic/transports/streamable-http:
 * envelope, version, headers, method, capabilities. What one request says holds for no other.
 */
export function admit({ principal, endpoint, req }: Exchange, request: RpcRequest): Admitted | Refusal {
  const envelope = readEnvelope(request.params);
  if (typeof envelope === 'string') return { code: ErrorCode.invalidParams, message: envelope, status: 400 };
  const named = header(req, 'mcp-protocol-version');
  const unsupported = named === undefined || named === envelope.version ? versionProblem(envelope.version) : undefined;
  if (unsupported !== undefined) return unsupported;
  const mismatch = headerProblem(req.headersDistinct, request, envelope.version);
  if (mismatch !== undefined) return { code: ErrorCode.headerMismatch, message: mismatch };
  if (REMOVED.has(request.method)) return unknownMethod(request.method);
  const logLevel = LOG_LEVELS.find((level) => level === envelope.logLevel);
  if (logLevel === undefined && envelope.logLevel !== undefined) {
    return {
      code: ErrorCode.invalidParams,
      message: `The logLevel in params._meta must be one of: ${LOG_LEVELS.join(', ')}`,
    };
  }
  const client = clientOf(principal, endpoint, envelope);
  const refusal = tasksRefusal(client, request.method);
  if (refusal !== undefined) return refusal;
  return {
    caller: { userId: principal.userId, endpoint, client, logLevel },
    traceparent: envelope.traceparent ?? traceContext(header(req, 'traceparent')),
  };
}

/** Who sent a notification; undefined when its envelope does not hold: nothing needs it then. */
export function senderOf({ principal, endpoint }: Exchange, { params }: RpcNotification): Caller | undefined {
  const envelope = readEnvelope(params);
  if (typeof envelope === 'string' || envelope.version !== MODERN_VERSION) return undefined;
  return { userId: principal.userId, endpoint, client: clientOf(principal, endpoint, envelope), logLevel: undefined };
}

function versionProblem(requested: string): Refusal | undefined {
  if (requested === MODERN_VERSION) return undefined;
  return {
    code: ErrorCode.unsupportedVersion,
    message: 'Unsupported protocol version',
    data: { supported: ALL_VERSIONS, requested: requested.slice(0, 64) },
  };
}

function clientOf({ userId, clientId }: Principal, endpoint: Endpoint, envelope: Envelope): CallClient {
  const { version, capabilities, info } = envelope;
  return {
    era: 'modern',
    protocolVersion: version,
    endpoint: endpoint.kind,
    id: clientId,
    ...(info === undefined ? {} : { info }),
    capabilities: carriedExtensions(capabilities, endpoint),
    ask: 'mrtr',
    // There is no session: a server that runs once for each client does so for this user's use of it.
    session: createHash('sha256')
      .update(JSON.stringify([userId, clientId]))
      .digest('base64url'),
  };
}
