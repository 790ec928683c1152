import { members, type Span, topLevelSpans } from '../../protocol/json-spans.js';
import { isRecord } from '../servers/messages.js';

/** Edits of JSON objects that leave every byte alone but those of the members they are about. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** JSON text by the name of the member that is to hold it. */
export type Edits = Readonly<Record<string, Uint8Array | string>>;

/** A view of the same bytes that can be read as text. */
export function bytesOf(json: Uint8Array): Buffer {
  return Buffer.from(json.buffer, json.byteOffset, json.byteLength);
}

/** The parsed value of a span of JSON text. */
export function valueAt(json: Uint8Array, [start, end]: Span): unknown {
  return JSON.parse(bytesOf(json).toString('utf8', start, end));
}

/** The parsed value of one member of the object, undefined when it has none. */
export function member(json: Uint8Array, name: string): unknown {
  const span = topLevelSpans(json)?.get(name);
  return span && valueAt(json, span);
}

/** The whole text as an object; `{}` for anything else, the empty text included. */
export function parsedObject(json: Uint8Array): JsonObject {
  const value: unknown = json.length === 0 ? undefined : JSON.parse(bytesOf(json).toString('utf8'));
  return isRecord(value) ? value : {};
}

/**
 * The object without these members and with those given: `set` holds JSON text by name and is put in front. Text that is
 * no object stays as it is; the empty text counts as `{}`.
 */
export function withMembers(json: Uint8Array, remove: readonly string[], set: Edits = {}): Buffer {
  const bytes = json.length === 0 ? Buffer.from('{}') : bytesOf(json);
  const list = members(bytes, 0, bytes.length);
  if (list === undefined) return bytes;
  const gone = new Set([...remove, ...Object.keys(set)]);
  if (Object.keys(set).length === 0 && !list.some(({ name }) => gone.has(name))) return bytes;
  const given = Object.entries(set).map(([name, text]) =>
    Buffer.concat([Buffer.from(`${JSON.stringify(name)}:`), Buffer.from(text)]),
  );
  const kept = list.filter(({ name }) => !gone.has(name)).map(({ keyStart, end }) => bytes.subarray(keyStart, end));
  const parts = [...given, ...kept].flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(','), part]));
  return Buffer.concat([Buffer.from('{'), ...parts, Buffer.from('}')]);
}
