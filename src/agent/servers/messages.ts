import { Buffer } from 'node:buffer';
import { tooDeep } from '../../protocol/depth.js';
import {
  elementSpans,
  leadingSpans,
  type Member,
  memberOf,
  members,
  type Span,
  topLevelSpans,
} from '../../protocol/json-spans.js';
import { besideLongStrings } from '../../protocol/long-strings.js';
import type { AskReply, JsonRpcError } from './types.js';

/** Of what a server tells or refuses; results pass as bytes. A client's requests have the same. */
const DEPTH_MAX = 256;

const END_OF_OBJECT = 0x7d;

/** `_meta` keys that belong to one hop (MCP 2026-07-28 basic/index#meta): whatever comes with a request, ours take their place. */
const HOP_KEYS = new Set([
  'progressToken',
  ...['protocolVersion', 'clientInfo', 'clientCapabilities', 'logLevel', 'subscriptionId'].map(modernKey),
]);

/** A `_meta` key that MCP 2026-07-28 keeps for itself. */
export function modernKey<Name extends string>(name: Name): `io.modelcontextprotocol/${Name}` {
  return `io.modelcontextprotocol/${name}`;
}

/** One JSON-RPC message from a server. `result` and a request's `params` stay as bytes; the rest is small and parsed. */
export type Incoming =
  | { readonly kind: 'result'; readonly id: number; readonly json: Buffer }
  | { readonly kind: 'error'; readonly id: number; readonly error: JsonRpcError }
  | {
      readonly kind: 'request';
      /** JSON text, as the server wrote it. */
      readonly id: string;
      readonly method: string;
      /** JSON text on one line; empty when there are none. */
      readonly params: Buffer;
    }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Readonly<Record<string, unknown>> };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bytesOf(json: Uint8Array): Buffer {
  return Buffer.from(json.buffer, json.byteOffset, json.byteLength);
}

/** Reads one message or a batch (MCP 2025-03-26 has them); undefined when the text is no JSON-RPC. */
export function readMessages(json: Buffer): Incoming[] | undefined {
  const batch = elementSpans(json, 0, json.length);
  if (batch === undefined) {
    const message = readMessage(json);
    return message && [message];
  }
  const read = batch.map(([start, end]) => readMessage(json.subarray(start, end)));
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
  const id = idAt(json, spans.get('id'));
  const method = value('method');
  if (typeof method === 'string') {
    const idSpan = spans.get('id');
    if (idSpan && (typeof id === 'string' || typeof id === 'number')) {
      const span = spans.get('params');
      const params = span ? onOneLine(json.subarray(...span)) : Buffer.alloc(0);
      return { kind: 'request', id: json.toString('utf8', ...idSpan), method, params };
    }
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

/** An id, of which nearly all are a hop's own small numbers: to parse those costs a tenth of JSON.parse. */
function idAt(json: Buffer, span: Span | undefined): unknown {
  if (span === undefined) return undefined;
  const [start, end] = span;
  if (end - start > 9) return JSON.parse(json.toString('utf8', start, end));
  let number = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (json[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return JSON.parse(json.toString('utf8', start, end));
    number = number * 10 + digit;
  }
  return number;
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

/** An error response that names no request, as the answer to this one; undefined when it is no such thing. */
export function errorFor(request: number, json: Buffer): Buffer | undefined {
  const spans = topLevelSpans(json);
  const error = spans?.get('error');
  const id = spans?.get('id');
  if (!error || (id && json.toString('latin1', ...id) !== 'null')) return undefined;
  return Buffer.concat([
    Buffer.from(`{"jsonrpc":"2.0","id":${request},"error":`),
    json.subarray(...error),
    Buffer.from('}'),
  ]);
}

function readError(error: Record<string, unknown>): JsonRpcError {
  const code = Number.isSafeInteger(error.code) ? Number(error.code) : -32603;
  const message = typeof error.message === 'string' ? error.message : 'the server gave no message';
  return 'data' in error && canBeWritten(error.data) ? { code, message, data: error.data } : { code, message };
}

/**
 * JSON.parse takes any nesting, JSON.stringify recurses. How deep it gets depends on who calls it: what can just be
 * written here could end the agent a few calls further on, so the bound is far below.
 */
function canBeWritten(value: unknown): boolean {
  return !tooDeep(value, DEPTH_MAX);
}

/** Turns line breaks between tokens to spaces, in place: within strings JSON has none unescaped. */
function onOneLine(json: Buffer): Buffer {
  for (const part of besideLongStrings(json)) {
    for (const byte of [0x0a, 0x0d]) {
      for (let at = part.indexOf(byte); at >= 0; at = part.indexOf(byte, at + 1)) part[at] = 0x20;
    }
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

/** @param id JSON text, as the request had it */
export function responseMessage(id: string, reply: AskReply): Buffer {
  const head = `{"jsonrpc":"2.0","id":${id},`;
  if (reply.kind === 'error') return Buffer.from(`${head}"error":${JSON.stringify(reply.error)}}`);
  return Buffer.concat([Buffer.from(`${head}"result":`), onOneLine(Buffer.from(reply.json)), Buffer.from('}')]);
}

/** What this hop puts into a request's `_meta`; the progress token is the request's id where progress is wanted. */
export type HopMeta = Readonly<Record<string, unknown>>;

/**
 * A request with `params` byte for byte, but for the keys of `_meta` that belong to a hop: those of the sender go, ours
 * come. For a legacy server that is `{}` or `{progressToken}`, for a modern one the whole envelope.
 * Empty `params` are left out. Undefined when `params` are not a JSON object.
 */
export function requestMessage(id: number, method: string, params: Uint8Array, own: HopMeta): Buffer | undefined {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
  const text = JSON.stringify(own).slice(1, -1);
  if (params.length === 0 && text === '') return Buffer.from(`${head}}`);
  const given = params.length > 0 ? bytesOf(params) : Buffer.from('{}');
  const ours = withHopText(given, text);
  if (ours === undefined) return undefined;
  const start = `${head},"params":`;
  const bytes = Buffer.byteLength(start);
  const message = Buffer.allocUnsafe(bytes + ours.length + 1);
  message.write(start);
  message.set(ours, bytes);
  message[bytes + ours.length] = END_OF_OBJECT;
  return onOneLine(message);
}

/** Replaces the hop's keys in `_meta` of the object by `own`; undefined values are left out. `params` stay as they are. */
export function withHopMeta(params: Buffer, own: HopMeta): Buffer | undefined {
  return withHopText(params, JSON.stringify(own).slice(1, -1));
}

/** @param text the members of `own` as JSON text */
function withHopText(params: Buffer, text: string): Buffer | undefined {
  // As with most requests: nothing goes, and nothing comes.
  if (text === '' && memberOf(params, 0, params.length, '_meta') === false) return params;
  const given = members(params, 0, params.length);
  if (!given?.some(({ name }) => name === '_meta')) {
    if (given === undefined || text === '') return given && params;
    return insertFirst(params, params.indexOf('{'), `"_meta":{${text}}`, given.length > 0);
  }
  const rest = withoutHopMeta(params, given);
  if (text === '') return rest;
  const list = members(rest, 0, rest.length);
  if (!list) return rest;
  const meta = list.findLast((member) => member.name === '_meta');
  const inMeta = meta && members(rest, meta.start, meta.end);
  if (meta && inMeta) return insertFirst(rest, meta.start, text, inMeta.length > 0);
  // A `_meta` that is no object is the caller's mistake to hear about from the server: it gets nothing.
  return meta ? rest : insertFirst(rest, rest.indexOf('{'), `"_meta":{${text}}`, list.length > 0);
}

/** Also where `_meta` or a key in it is repeated. */
function withoutHopMeta(params: Buffer, outer: readonly Member[]): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  for (const meta of outer) {
    if (meta.name !== '_meta') continue;
    for (const [start, end] of cutsOf(members(params, meta.start, meta.end) ?? [])) {
      kept.push(params.subarray(at, start));
      at = end;
    }
  }
  return at === 0 ? params : Buffer.concat([...kept, params.subarray(at)]);
}

/** The bytes to remove for the hop's keys, each with one comma. */
function cutsOf(list: readonly Member[]): (readonly [number, number])[] {
  const firstKept = list.findIndex((member) => !HOP_KEYS.has(member.name));
  return list.flatMap((member, index): (readonly [number, number])[] => {
    if (!HOP_KEYS.has(member.name)) return [];
    const before = firstKept >= 0 && firstKept < index ? list[index - 1] : undefined;
    return [before ? [before.end, member.end] : [member.keyStart, list[index + 1]?.keyStart ?? member.end]];
  });
}

function insertFirst(json: Buffer, brace: number, text: string, comma: boolean): Buffer {
  return Buffer.concat([json.subarray(0, brace + 1), Buffer.from(text + (comma ? ',' : '')), json.subarray(brace + 1)]);
}
