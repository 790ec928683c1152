import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { isShape, type RpcRequest } from '../json-rpc.js';

/**
 * The headers that repeat what a request's body says (26 basic/transports/streamable-http, "Request Metadata"): whoever
 * reads the body checks them, so that what a proxy decided by them holds for what is done.
 */

/** Where the value of Mcp-Name stands in params; the last three by the tasks extension ("Routing Headers"). */
const NAME_SOURCES = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/** Each field by itself: joined with a comma, two that each mean something else could make up the name of a third. */
type Fields = IncomingMessage['headersDistinct'];

const ENCODED = /^=\?base64\?(.*)\?=$/s;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** RFC 9110 §5.5, without what is obsolete. */
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
/** RFC 9110 §5.6.2 */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;

/**
 * What is wrong with the standard headers of a request; undefined: nothing.
 * @param version of the request's envelope
 */
export function headerProblem(headers: Fields, request: RpcRequest, version: string): string | undefined {
  const { method, params } = request;
  const exact = compared(headers, 'MCP-Protocol-Version', version) ?? compared(headers, 'Mcp-Method', method);
  if (exact !== undefined) return exact;
  const source = NAME_SOURCES.get(method);
  const named = source === undefined ? undefined : params?.[source];
  // Without the member there is nothing to mirror: the request is wrong in another way.
  return typeof named === 'string' ? decoded(headers, 'Mcp-Name', (value) => value === named) : undefined;
}

/**
 * The same for the headers that a tool's `x-mcp-header` asks for. An argument that is null or absent has none; headers
 * that no annotation asks for are ignored.
 * @param schema the tool's inputSchema
 */
export function paramHeaderProblem(headers: Fields, schema: unknown, args: unknown): string | undefined {
  for (const { name, value } of annotated(schema, args)) {
    const problem = decoded(headers, `Mcp-Param-${name}`, (text) => sameValue(text, value));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function compared(headers: Fields, name: string, expected: string): string | undefined {
  const value = fieldOf(headers, name);
  if (typeof value !== 'string') return `${name} is ${value.problem}`;
  return value === expected ? undefined : mismatch(name, value);
}

/** For headers that may carry any text, in Base64 where it would not be a field value. */
function decoded(headers: Fields, name: string, matches: (text: string) => boolean): string | undefined {
  const value = fieldOf(headers, name);
  if (typeof value !== 'string') return `${name} is ${value.problem}`;
  if (!FIELD_VALUE.test(value)) return `${name} has characters that a header cannot have: send it as =?base64?…?=`;
  const text = decode(value);
  if (text === undefined) return `${name} is not Base64 of UTF-8 between =?base64? and ?=`;
  return matches(text) ? undefined : mismatch(name, value);
}

/** @returns undefined for what is marked as Base64 and is not */
function decode(value: string): string | undefined {
  const [, base64] = ENCODED.exec(value) ?? [];
  if (base64 === undefined) return value;
  if (!BASE64.test(base64)) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** The field's value, or what is wrong with it. */
function fieldOf(headers: Fields, name: string): string | { readonly problem: string } {
  const [value, ...others] = headers[name.toLowerCase()] ?? [];
  if (value === undefined) return { problem: 'missing' };
  return others.length === 0 ? value : { problem: 'there more than once' };
}

/** What the header says is not repeated when it may be an argument. */
function mismatch(name: string, value: string): string {
  const shown = name.startsWith('Mcp-Param-') ? '' : ` ("${value.slice(0, 128)}")`;
  return `Header mismatch: ${name}${shown} is not what the body says`;
}

interface Annotated {
  readonly name: string;
  readonly value: string | number | boolean;
}

/** Arguments that are there and whose schema, reached through `properties` alone, has a usable annotation. */
function annotated(schema: unknown, value: unknown): Annotated[] {
  if (!isShape(schema) || !isShape(schema.properties) || !isShape(value)) return [];
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    if (!isShape(property) || !Object.hasOwn(value, key)) return [];
    const member = value[key];
    const name = property['x-mcp-header'];
    if (typeof name !== 'string' || !TOKEN.test(name) || !isPrimitive(member)) return annotated(property, member);
    return [{ name, value: member }];
  });
}

function isPrimitive(value: unknown): value is Annotated['value'] {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** Numbers as numbers: 42.0 is 42 (26, "Server Validation"). */
function sameValue(text: string, value: Annotated['value']): boolean {
  if (typeof value === 'number' && DECIMAL.test(text)) return Number(text) === value;
  return text === String(value);
}
