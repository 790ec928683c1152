import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { ServerReason } from '../../../protocol/server-state.js';
import { ServerError } from '../types.js';

/** Nothing listens there, or there is no such host: nothing was sent. */
const UNREACHABLE = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
];
const DETAIL_CHARACTERS = 300;

/** A server answered an HTTP status in place of JSON-RPC. */
export class StatusError extends Error {
  constructor(readonly status: number) {
    super('no JSON-RPC');
  }
}

/** The HTTP status of a failed POST, if there was an answer. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof StatusError) return error.status;
  return error instanceof StreamableHTTPError && error.code !== undefined && error.code > 0 ? error.code : undefined;
}

export function isUnreachable(error: unknown): boolean {
  return causes(error).some(
    (cause) => cause instanceof Error && 'code' in cause && UNREACHABLE.includes(String(cause.code)),
  );
}

/** 404, and 400 from servers built on the SDK's examples, mean that the session is gone (MCP 2025-11-25 basic/transports#session-management). */
export function isSessionLost(status: number | undefined, text: string): boolean {
  return status === 404 || (status === 400 && /session/i.test(text));
}

/** What became of a request whose POST failed. */
export function postError(error: unknown): ServerError {
  const status = statusOf(error);
  // The server refused the request, so it did not act on it; a 5xx may come after it has.
  if (status !== undefined && status < 500)
    return new ServerError('not_ready', `the server answered HTTP ${status}`, false);
  if (status !== undefined) return new ServerError('lost', `the server answered HTTP ${status}`, true);
  if (isUnreachable(error)) return new ServerError('not_ready', 'the server cannot be reached', false);
  return new ServerError('lost', 'the connection to the server broke before it answered', true);
}

/** Why there is no session, in one word. */
export function httpReason(error: unknown): ServerReason {
  const status = statusOf(error);
  if (status === 401 || status === 403) return 'not_allowed';
  return status === undefined && isUnreachable(error) ? 'unreachable' : 'bad_protocol';
}

/** For the machine's owner: what went wrong and where to look. */
export function describeHttpError(error: unknown, url: string): string {
  const status = statusOf(error);
  const { origin } = new URL(url);
  if (status === 401 || status === 403) return `${origin} answered HTTP ${status}: check "headers" in the config`;
  const detail = (error instanceof Error ? error.message : String(error)).slice(0, DETAIL_CHARACTERS);
  if (status !== undefined) return `${origin} answered HTTP ${status}: ${detail}`;
  if (isUnreachable(error)) return `${origin} cannot be reached: is the server running?`;
  const cause = causes(error).at(-1);
  return `no MCP server at ${origin}: ${cause instanceof Error ? cause.message.slice(0, DETAIL_CHARACTERS) : detail}`;
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let at = error; at !== undefined && chain.length < 5; at = at instanceof Error ? at.cause : undefined)
    chain.push(at);
  const first = chain.at(-1);
  // Several addresses were tried (localhost has two): they failed alike.
  if (first instanceof AggregateError) chain.push(first.errors[0]);
  return chain;
}
