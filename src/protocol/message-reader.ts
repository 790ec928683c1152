/** Reads the JSON bodies of frames, for the side that receives them. */

export type MessageErrorCode = 'not_json' | 'bad_shape' | 'too_large';

/** A body that is none. */
export class MessageError extends Error {
  constructor(
    readonly code: MessageErrorCode,
    what: string,
  ) {
    super(`bad ${what}: ${code}`);
  }
}

export type Shape = Readonly<Record<string, unknown>>;

/** @throws MessageError, as all below */
export function parse(body: Uint8Array, what: string): Shape {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    throw new MessageError('not_json', what);
  }
  return object(value, what);
}

export function object(value: unknown, what: string): Shape {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MessageError('bad_shape', what);
  return value as Shape;
}

export function text(value: unknown, what: string, max = 1024): string {
  if (typeof value !== 'string' || value.length > max) throw new MessageError('bad_shape', what);
  return value;
}

export function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new MessageError('bad_shape', what);
  return value;
}

export function list<T>(value: unknown, what: string, max: number, item: (value: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > max) throw new MessageError('bad_shape', what);
  return value.map(item);
}

/** A head as JSON behind its length (4 bytes, big-endian), then JSON text that is carried as it is. */
export function encodeHeaded(head: object, json: Uint8Array): Buffer {
  return headedText(JSON.stringify(head), json);
}

/** The same, of a head that is JSON text already. */
export function headedText(text: string, json: Uint8Array): Buffer {
  const length = Buffer.byteLength(text);
  const body = Buffer.allocUnsafe(4 + length + json.length);
  body.writeUInt32BE(length, 0);
  body.write(text, 4);
  body.set(json, 4 + length);
  return body;
}

export function decodeHeaded(body: Buffer, what: string): { readonly head: Shape; readonly json: Buffer } {
  if (body.length < 4) throw new MessageError('bad_shape', what);
  const end = 4 + body.readUInt32BE(0);
  if (end > body.length) throw new MessageError('bad_shape', what);
  return { head: parse(body.subarray(4, end), what), json: body.subarray(end) };
}
