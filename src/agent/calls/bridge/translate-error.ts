import type { CallHead } from '../../../protocol/call-messages.js';
import { isRecord } from '../../servers/messages.js';
import type { JsonRpcError } from '../../servers/types.js';
import { errorAnswer, problem } from '../answers.js';
import { member } from '../json-edit.js';
import type { ShapeSource } from '../shape/rules.js';
import { shapeError } from '../shape.js';
import type { CallAnswer } from '../wire/running-call.js';
import { REVISION_2025_11_25, requiredCapability } from './asks.js';
import { URL_REQUIRED } from './url-elicitation.js';

const RESOURCE_NOT_FOUND = -32002;
const INVALID_PARAMS = -32602;
const CAPABILITY_MISSING = -32021;
/** Codes of 2026-07-28; those it does not define are not to be used by anyone (basic/index, "Error codes"). */
const RESERVED = { from: -32099, to: -32020 };

/** A server's error as the client's era has it. */
export function translateError(head: CallHead, params: Buffer, error: JsonRpcError, about: ShapeSource): CallAnswer {
  const made = head.client.era === 'modern' ? forModern(head, params, error, about) : forLegacy(head, error, about);
  return 'kind' in made ? made : errorAnswer(shapeError(head, made, about));
}

function forModern(
  head: CallHead,
  params: Buffer,
  error: JsonRpcError,
  { era }: ShapeSource,
): JsonRpcError | CallAnswer {
  const { code, message, data } = error;
  if (era === 'legacy' && code === RESOURCE_NOT_FOUND) {
    const uri = head.method === 'resources/read' ? member(params, 'uri') : undefined;
    return {
      code: INVALID_PARAMS,
      message,
      data: { ...(uri === undefined ? {} : { uri }), ...(isRecord(data) ? data : {}) },
    };
  }
  if (code === URL_REQUIRED) {
    return problem(head, `the server wants the user to open a URL first, which this client cannot do: ${message}`);
  }
  if (code === CAPABILITY_MISSING && era === 'modern' && lacks(head, error)) return error;
  if (code < RESERVED.from || code > RESERVED.to) return error;
  return problem(head, `${message} (the server's own error ${code})`);
}

/** Whether the client itself lacks what the server requires: else it was this tunnel that could not carry it. */
function lacks({ client }: CallHead, { data }: JsonRpcError): boolean {
  const required = isRecord(data) ? data.requiredCapabilities : undefined;
  return isRecord(required) && !covers(client.capabilities, required);
}

function covers(declared: unknown, required: unknown): boolean {
  if (!isRecord(declared)) return false;
  if (!isRecord(required)) return true;
  return Object.keys(required).every((name) => name in declared && covers(declared[name], required[name]));
}

function forLegacy(head: CallHead, error: JsonRpcError, { era }: ShapeSource): JsonRpcError | CallAnswer {
  const { client, method } = head;
  const { code, message, data } = error;
  if (code === URL_REQUIRED) {
    const { elicitation } = client.capabilities;
    const knows = client.protocolVersion >= REVISION_2025_11_25 && isRecord(elicitation) && isRecord(elicitation.url);
    if (knows) return error;
    return problem(head, `the server wants the user to open a URL first, which this client cannot do: ${message}`);
  }
  if (era === 'legacy') return error;
  if (code === CAPABILITY_MISSING) {
    return problem(head, `the server requires ${requiredCapability(error)}, which this client does not offer it`);
  }
  if (code >= RESERVED.from && code <= RESERVED.to) {
    return problem(head, `${message} (the server's own error ${code})`);
  }
  // Clients of 2025-11-25 know a missing resource by this code.
  if (code === INVALID_PARAMS && method === 'resources/read' && isRecord(data) && typeof data.uri === 'string') {
    return { ...error, code: RESOURCE_NOT_FOUND };
  }
  return error;
}
