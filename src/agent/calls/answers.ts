import { memberSpan } from '../../protocol/json-spans.js';
import type { CallAnswer } from './running-calls.js';

/** A `tools/call` result that tells the model what went wrong (MCP server/tools, "Error handling"). */
export function toolError(message: string): CallAnswer {
  return {
    kind: 'result',
    json: Buffer.from(JSON.stringify({ content: [{ type: 'text', text: message }], isError: true })),
  };
}

/** Larger results are not searched for the log line's sake. */
const SEARCH_BYTES = 64 * 1024;

/** How a call ended, in one word or two, for the log. */
export function outcome(answer: CallAnswer): 'ok' | 'error' | 'tool error' {
  if (answer.kind === 'error') return 'error';
  if (answer.json.length > SEARCH_BYTES) return 'ok';
  const span = memberSpan(answer.json, 0, answer.json.length, 'isError');
  return span !== undefined && answer.json.toString('latin1', span[0], span[1]) === 'true' ? 'tool error' : 'ok';
}

/** What a request asks for, without its arguments: the tool's name of a `tools/call`, the method of any other. */
export function requestName(method: string, params: Buffer): string {
  if (method !== 'tools/call') return method;
  const span = memberSpan(params, 0, params.length, 'name');
  if (span === undefined) return method;
  const name: unknown = JSON.parse(params.toString('utf8', span[0], span[1]));
  return typeof name === 'string' ? name : method;
}
