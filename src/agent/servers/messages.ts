import { Buffer } from 'node:buffer';
import { elementSpans, leadingSpans, type Member, members, topLevelSpans } from '../../protocol/json-spans.js';
import type { JsonRpcError } from './types.js';

/** One JSON-RPC message from a server. `result` stays as bytes; the rest is small and parsed. */
export type Incoming =
  | { readonly kind: 'result'; readonly id: number; readonly json: Buffer }
  | { readonly kind: 'error'; readonly id: number; readonly error: JsonRpcError }
  | { readonly kind: 'request'; readonly id: string | number; readonly method: string }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Readonly<Record<string, unknown>> };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads one message or a batch (MCP 2025-03-26 has them); undefined when the text is no JSON-RPC. */
export function readMessages(json: Buffer): Incoming[] | undefined {
  const batch = elementSpans(json, 0, json.length);
  const read = (batch ?? [[0, json.length] as const]).map(([start, end]) => readMessage(json.subarray(start, end)));
  const known = read.filter((message) => message !== undefined);
  return known.length > 0 ? known : undefined;
}

function readMessage(json: Buffer): Incoming | undefined {
  const spans = topLevelSpans(json);
  if (!spans) return undefined;
  const value = (name: string): unknown => {
    const span = spans.get(name);
    return span && JSON.parse(json.toString('utf8', ...span));
  };
  const id = value('id');
  const method = value('method');
  if (typeof method === 'string') {
    if (typeof id === 'string' || typeof id === 'number') return { kind: 'request', id, method };
    const params = value('params');
    if (!canBeWritten(params)) return undefined;
    return { kind: 'notification', method, params: isRecord(params) ? params : {} };
  }
  if (typeof id !== 'number') return undefined;
  const result = spans.get('result');
  if (result) return { kind: 'result', id, json: onOneLine(json.subarray(...result)) };
  const error = value('error');
  return isRecord(error) ? { kind: 'error', id, error: readError(error) } : undefined;
}

/** The ids that one message or a batch answers. */
export function responseIds(json: Buffer): number[] {
  const parts = elementSpans(json, 0, json.length) ?? [[0, json.length] as const];
  return parts.flatMap(([start, end]) => {
    const part = json.subarray(start, end);
    const spans = topLevelSpans(part);
    const id = spans?.get('id');
    if (!id || spans?.has('method')) return [];
    const value: unknown = JSON.parse(part.toString('utf8', ...id));
    return typeof value === 'number' ? [value] : [];
  });
}

function readError(error: Record<string, unknown>): JsonRpcError {
  const code = Number.isSafeInteger(error.code) ? Number(error.code) : -32603;
  const message = typeof error.message === 'string' ? error.message : 'the server gave no message';
  return 'data' in error && canBeWritten(error.data) ? { code, message, data: error.data } : { code, message };
}

/** JSON.parse takes any nesting, JSON.stringify recurses: what it cannot write must not get to those who will. */
function canBeWritten(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

/** Turns line breaks between tokens to spaces, in place: within strings JSON has none unescaped. */
function onOneLine<T extends Uint8Array>(json: T): T {
  for (const byte of [0x0a, 0x0d]) {
    for (let at = json.indexOf(byte); at >= 0; at = json.indexOf(byte, at + 1)) json[at] = 0x20;
  }
  return json;
}

/** The id of a response of which only both ends are left, when it can be told for certain. */
export function idOfCutResponse(head: Buffer, tail: Buffer): number | undefined {
  const leading = leadingSpans(head);
  if (leading.has('method')) return undefined;
  const span = leading.get('id');
  const text = span
    ? head.toString('utf8', ...span)
    : // The last members of the outermost object: nothing but them may stand before the final brace.
      /[,{]\s*"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(tail.toString('latin1'))?.[1];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

export function notificationMessage(method: string, params?: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }));
}

export function responseMessage(
  id: string | number,
  outcome: { readonly result: unknown } | { readonly error: JsonRpcError },
): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
}

/**
 * A request with `params` byte for byte, but for `_meta.progressToken`, which is this hop's own or absent.
 * Empty `params` are left out. Undefined when `params` are not a JSON object.
 */
export function requestMessage(
  id: number,
  method: string,
  params: Uint8Array,
  progressToken: number | undefined,
): Buffer | undefined {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
  const given = params.length > 0 ? Buffer.from(params) : progressToken === undefined ? undefined : Buffer.from('{}');
  if (!given) return Buffer.from(`${head}}`);
  const own = withProgressToken(given, progressToken);
  return own && Buffer.concat([Buffer.from(`${head},"params":`), onOneLine(own), Buffer.from('}')]);
}

/** Removes every `_meta.progressToken` of the object and, if one is given, sets ours. */
export function withProgressToken(params: Buffer, token: number | undefined): Buffer | undefined {
  const rest = withoutProgressToken(params);
  const list = rest && members(rest, 0, rest.length);
  if (!rest || !list || token === undefined) return rest;
  const meta = list.findLast((member) => member.name === '_meta');
  const inMeta = meta && members(rest, meta.start, meta.end);
  if (meta && inMeta) return insertFirst(rest, meta.start, `"progressToken":${token}`, inMeta.length > 0);
  // A `_meta` that is no object is the caller's mistake to hear about from the server: it gets no token.
  return meta ? rest : insertFirst(rest, rest.indexOf('{'), `"_meta":{"progressToken":${token}}`, list.length > 0);
}

function withoutProgressToken(params: Buffer): Buffer | undefined {
  let json = params;
  for (;;) {
    const outer = members(json, 0, json.length);
    if (!outer) return undefined;
    const cut = outer
      .filter((member) => member.name === '_meta')
      .map((meta) => cutOf(members(json, meta.start, meta.end) ?? []))
      .find((span) => span !== undefined);
    if (!cut) return json;
    json = Buffer.concat([json.subarray(0, cut[0]), json.subarray(cut[1])]);
  }
}

/** The bytes to remove for the first `progressToken`, its comma included. */
function cutOf(list: readonly Member[]): readonly [number, number] | undefined {
  const index = list.findIndex((member) => member.name === 'progressToken');
  const member = list[index];
  if (!member) return undefined;
  const before = list[index - 1];
  return before ? [before.end, member.end] : [member.keyStart, list[index + 1]?.keyStart ?? member.end];
}

function insertFirst(json: Buffer, brace: number, text: string, comma: boolean): Buffer {
  return Buffer.concat([json.subarray(0, brace + 1), Buffer.from(text + (comma ? ',' : '')), json.subarray(brace + 1)]);
}
