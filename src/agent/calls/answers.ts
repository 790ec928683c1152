import type { CallHead } from '../../protocol/call-messages.js';
import { memberSpan, textAt, topLevelSpans } from '../../protocol/json-spans.js';
import type { JsonRpcError } from '../servers/types.js';
import type { JsonObject } from './json-edit.js';
import type { CallAnswer } from './wire/running-call.js';

export function resultAnswer(result: JsonObject): CallAnswer {
  return { kind: 'result', json: Buffer.from(JSON.stringify(result)) };
}

export function errorAnswer(error: JsonRpcError): CallAnswer {
  return { kind: 'error', json: Buffer.from(JSON.stringify(error)) };
}

/**
 * Tells what went wrong with the call: a tool's failure is a result the model can act on (MCP server/tools, "Error
 * handling"), anything else an error.
 */
export function problem({ method, client }: CallHead, message: string, code = -32603): CallAnswer {
  if (method !== 'tools/call') return errorAnswer({ code, message });
  const type = client.era === 'modern' ? { resultType: 'complete' } : {};
  return resultAnswer({ ...type, content: [{ type: 'text', text: message }], isError: true });
}

/** Larger results are not searched for the log line's sake. */
const SEARCH_BYTES = 64 * 1024;

/** How a call ended, in one word or two, for the log. */
export function outcome(answer: CallAnswer): 'ok' | 'error' | 'tool error' | 'waits for the client' {
  if (answer.kind === 'error') return 'error';
  if (answer.json.length > SEARCH_BYTES) return 'ok';
  const spans = topLevelSpans(answer.json);
  const text = (name: string) => {
    const span = spans?.get(name);
    return span && answer.json.toString('latin1', span[0], span[1]);
  };
  if (text('resultType') === '"input_required"') return 'waits for the client';
  return text('isError') === 'true' ? 'tool error' : 'ok';
}

/** What a request asks for, without its arguments: the tool's name of a `tools/call`, the method of any other. */
export function requestName(method: string, params: Buffer): string {
  if (method !== 'tools/call') return method;
  const span = memberSpan(params, 0, params.length, 'name');
  return (span && textAt(params, span)) ?? method;
}
