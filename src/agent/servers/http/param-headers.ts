import { Buffer } from 'node:buffer';
import { isRecord } from '../messages.js';

/** A tool parameter that goes into a header too (MCP 2026-07-28 basic/transports/streamable-http#custom-headers-from-tool-parameters). */
export interface ParamHeader {
  /** Where its value stands in `arguments`. */
  readonly path: readonly string[];
  readonly header: string;
}

const ANNOTATION = 'x-mcp-header';
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TYPES: readonly unknown[] = ['string', 'integer', 'boolean'];
/** The relay takes no deeper schema either. */
const DEPTH_MAX = 100;

/** The parameters that a tool's `inputSchema` wants in headers. @throws Error that says why the tool is to be left out */
export function paramHeaders(inputSchema: unknown): ParamHeader[] {
  const found: ParamHeader[] = [];
  const walk = (schema: unknown, path: readonly string[]): void => {
    if (!isRecord(schema)) return;
    if (path.length > DEPTH_MAX) throw new Error('its schema is nested too deep');
    const { properties, [ANNOTATION]: header, ...rest } = schema;
    if (ANNOTATION in schema) found.push({ path, header: checked(header, schema.type, path, found) });
    refuseAnnotations(rest, DEPTH_MAX);
    if (isRecord(properties)) for (const [name, child] of Object.entries(properties)) walk(child, [...path, name]);
  };
  walk(inputSchema, []);
  return found;
}

function checked(header: unknown, type: unknown, path: readonly string[], found: readonly ParamHeader[]): string {
  if (path.length === 0) throw new Error(`its ${ANNOTATION} is at no parameter`);
  if (typeof header !== 'string' || !TOKEN.test(header)) throw new Error(`an ${ANNOTATION} is no header name`);
  if (!TYPES.includes(type))
    throw new Error(`an ${ANNOTATION} is at a parameter that is no string, integer or boolean`);
  const taken = found.some((other) => other.header.toLowerCase() === header.toLowerCase());
  if (taken) throw new Error(`an ${ANNOTATION} stands at two parameters`);
  return header;
}

/** Below anything but `properties` no value can be found by its path; examples and defaults may hold what they like. */
function refuseAnnotations(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || depth === 0) return;
  if (!Array.isArray(value) && ANNOTATION in value) throw new Error(`an ${ANNOTATION} stands where no parameter is`);
  for (const [key, inner] of Object.entries(value)) if (!VALUES.includes(key)) refuseAnnotations(inner, depth - 1);
}

/** Keywords whose values are no schemas. */
const VALUES = ['default', 'const', 'enum', 'examples', 'example'];

/** `Mcp-Param-*` of one call; what is absent, null or no plain value has none. */
export function paramValues(list: readonly ParamHeader[], args: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, header } of list) {
    let value: unknown = args;
    for (const key of path) value = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    const text = plain(value);
    if (text !== undefined) headers[`Mcp-Param-${header}`] = headerValue(text);
  }
  return headers;
}

function plain(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : undefined;
}

/** A text as header value: as it is, or in the base64 form where a header cannot hold it (#value-encoding). */
export function headerValue(text: string): string {
  const safe = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text);
  return safe ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
