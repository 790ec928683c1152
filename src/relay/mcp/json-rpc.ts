import { isAscii, isUtf8 } from 'node:buffer';
import { elementSpans, memberSpan, type Span } from '../../protocol/json-spans.js';
import { depthWithin } from './json-depth.js';

/** JSON-RPC 2.0 §5.1, MCP's own (26 basic, "Error codes"), and what clients of the SDK know for a session that is no more. */
export const ErrorCode = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  sessionNotFound: -32001,
  /** Legacy revisions only (25N server/resources, "Error Handling"). */
  resourceNotFound: -32002,
  /** The stateless revision only, from here on. */
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
} as const;

export type ErrorCodeNumber = (typeof ErrorCode)[keyof typeof ErrorCode];

export type Shape = Readonly<Record<string, unknown>>;

/** Where a message's own JSON text lies in the request body. */
export interface RawText {
  readonly body: Buffer;
  readonly span: Span;
}

export interface RpcRequest {
  readonly kind: 'request';
  /** JSON text of the id, exact also for integers over 2^53. */
  readonly id: string;
  readonly method: string;
  readonly params: Shape | undefined;
  readonly raw: RawText;
}

export interface RpcNotification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: Shape | undefined;
  readonly raw: RawText;
}

/** A client's answer to a request of ours. */
export interface RpcResponse {
  readonly kind: 'response';
  /** JSON text of the id; undefined for what is no id. */
  readonly id: string | undefined;
  /** The member that its outcome is in. */
  readonly outcome: 'result' | 'error';
  readonly raw: RawText;
}

export type RpcMessage =
  | RpcRequest
  | RpcNotification
  | RpcResponse
  | { readonly kind: 'invalid'; readonly id: string; readonly problem: string };

export type RpcBody =
  | { readonly kind: 'single'; readonly message: RpcMessage }
  | { readonly kind: 'batch'; readonly messages: readonly RpcMessage[] }
  | { readonly kind: 'unreadable'; readonly code: ErrorCodeNumber; readonly problem: string };

/** Deeper nesting in a request is refused, so that nothing behind this ever recurses far. */
const MAX_DEPTH = 256;
/** Messages in one batch. */
const MAX_BATCH = 64;

/**
 * Reads a request body. Keys that JSON-RPC does not know are ignored; the texts of `params` stay in `body`, byte for
 * byte except that line breaks between tokens become spaces (a message is one line on the way to a local server).
 */
export function readBody(body: Buffer): RpcBody {
  const ascii = isAscii(body);
  if (!ascii && !isUtf8(body)) return unreadable(ErrorCode.parse, 'the body is not UTF-8');
  if (!depthWithin(body, MAX_DEPTH)) return unreadable(ErrorCode.invalidRequest, `nested deeper than ${MAX_DEPTH}`);
  let value: unknown;
  try {
    value = JSON.parse(body.toString(ascii ? 'latin1' : 'utf8'));
  } catch {
    return unreadable(ErrorCode.parse, 'the body is not JSON');
  }
  oneLine(body);
  if (!Array.isArray(value)) return { kind: 'single', message: readMessage(value, { body, span: [0, body.length] }) };
  if (value.length === 0) return unreadable(ErrorCode.invalidRequest, 'an empty batch');
  if (value.length > MAX_BATCH)
    return unreadable(ErrorCode.invalidRequest, `more than ${MAX_BATCH} messages in a batch`);
  const spans = elementSpans(body, 0, body.length) ?? [];
  const messages = value.map((item: unknown, index) => readMessage(item, { body, span: spans[index] ?? [0, 0] }));
  return { kind: 'batch', messages };
}

function unreadable(code: ErrorCodeNumber, problem: string): RpcBody {
  return { kind: 'unreadable', code, problem };
}

/** JSON has raw line breaks only between tokens; there a space means the same. */
function oneLine(json: Buffer): void {
  for (const end of [0x0a, 0x0d]) {
    for (let at = json.indexOf(end); at !== -1; at = json.indexOf(end, at + 1)) json[at] = 0x20;
  }
}

function readMessage(value: unknown, raw: RawText): RpcMessage {
  if (!isShape(value)) return { kind: 'invalid', id: 'null', problem: 'a message is a JSON object' };
  const id = idText(value.id, 'id', () => messageText(raw));
  const invalid = (problem: string): RpcMessage => ({ kind: 'invalid', id: id ?? 'null', problem });
  if (value.jsonrpc !== '2.0') return invalid('"jsonrpc" must be "2.0"');
  const { method, params } = value;
  if (method === undefined && ('result' in value || 'error' in value)) {
    return { kind: 'response', id, outcome: 'error' in value ? 'error' : 'result', raw };
  }
  if (typeof method !== 'string' || method === '') return invalid('"method" must be a string');
  if (params !== undefined && !isShape(params)) return invalid('"params" must be an object');
  if (value.id === undefined) return { kind: 'notification', method, params, raw };
  if (id === undefined) return invalid('"id" must be a string or a number');
  return { kind: 'request', id, method, params, raw };
}

/**
 * JSON text of a request id, exact also for integers over 2^53; undefined for what is no id.
 * @param text JSON text of the object whose member `name` it is
 */
export function idText(id: unknown, name: string, text: () => Buffer | undefined): string | undefined {
  if (typeof id === 'string') return JSON.stringify(id);
  if (typeof id !== 'number') return undefined;
  if (Number.isSafeInteger(id)) return JSON.stringify(id);
  const object = text();
  const span = object && memberSpan(object, 0, object.length, name);
  return span && object.toString('latin1', ...span);
}

/** JSON text of one member of a message, as it came. */
export function rawMember(raw: RawText, name: string): Buffer | undefined {
  const message = messageText(raw);
  const span = memberSpan(message, 0, message.length, name);
  return span && message.subarray(...span);
}

function messageText({ body, span: [start, end] }: RawText): Buffer {
  return start === 0 && end === body.length ? body : body.subarray(start, end);
}

/** True for a JSON object. */
export function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON text in front of a result or an error of the request with this id. */
export function responseHead(id: string, kind: 'result' | 'error'): string {
  return `{"jsonrpc":"2.0","id":${id},"${kind}":`;
}

/** A whole response around the JSON text of its result. */
export function resultResponse(id: string, result: string | Buffer): Buffer {
  if (typeof result === 'string') return Buffer.from(`${responseHead(id, 'result')}${result}}`);
  return Buffer.concat([Buffer.from(responseHead(id, 'result')), result, Buffer.from('}')]);
}

/** A whole response in two parts: the text that names its request, and bytes that may answer many others too. */
export interface SharedResponse {
  readonly head: string;
  /** JSON text of the result, and the bracket that ends the response. */
  readonly ending: Buffer;
}

/** @param ending as in SharedResponse */
export function sharedResponse(id: string, ending: Buffer): SharedResponse {
  return { head: responseHead(id, 'result'), ending };
}

/** A whole error response; `id` is JSON text, `null` where the request's could not be read. */
export function errorResponse(id: string, code: ErrorCodeNumber, message: string, data?: unknown): Buffer {
  return Buffer.from(`${responseHead(id, 'error')}${JSON.stringify({ code, message, data })}}`);
}
