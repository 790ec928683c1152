/**
 * Finds where the members of a JSON object lie in its bytes, without building a tree.
 *
 * Large messages are forwarded as the bytes they came in: nothing is lost (integers over 2^53, key order, unknown keys)
 * and a 64 MiB result costs one pass. The whole text is checked against RFC 8259 on the way, iteratively, so that
 * neither deep nesting nor a malformed tail gets past. Bytes that are not UTF-8 inside strings are not looked at.
 */

/** Byte offsets of a value: first byte, and the byte after its last. */
export type Span = readonly [start: number, end: number];

export interface Member {
  readonly name: string;
  /** Offset of the key's opening quote. */
  readonly keyStart: number;
  /** The value's offsets. */
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LOWER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const IN_ARRAY = 0;
const IN_OBJECT = 1;

/** `ignoreBOM`: a key may begin with U+FEFF, which is then part of it. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const LITERALS = ['true', 'false', 'null'].map((word) => Array.from(word, (letter) => letter.charCodeAt(0)));

/**
 * Members of the one JSON object that fills `json` (whitespace around it allowed), by name; of a repeated name the last,
 * as `JSON.parse` has it. `undefined` when it is not a JSON object.
 */
export function topLevelSpans(json: Uint8Array): Map<string, Span> | undefined {
  return spansByName(members(json, 0, json.length));
}

/** The complete members at the start of an object whose end is missing; of a repeated name the last. */
export function leadingSpans(head: Uint8Array): Map<string, Span> {
  const found: Member[] = [];
  readObject(head, skipSpace(head, 0), (member) => found.push(member));
  return spansByName(found) ?? new Map();
}

/** The value of one member of the object at [start, end), or `undefined` when there is none or no such object. */
export function memberSpan(json: Uint8Array, start: number, end: number, name: string): Span | undefined {
  const view = start === 0 && end === json.length ? json : json.subarray(start, end);
  let found: Span | undefined;
  const after = readObject(view, skipSpace(view, 0), (member) => {
    if (member.name === name) found = [member.start + start, member.end + start];
  });
  return after >= 0 && skipSpace(view, after) === view.length ? found : undefined;
}

/** All members of the object at [start, end) in order, repeated names included; `undefined` when it is not a JSON object. */
export function members(json: Uint8Array, start: number, end: number): Member[] | undefined {
  const whole = start === 0 && end === json.length;
  const view = whole ? json : json.subarray(start, end);
  const found: Member[] = [];
  const after = readObject(view, skipSpace(view, 0), (at) =>
    found.push(
      whole ? at : { name: at.name, keyStart: at.keyStart + start, start: at.start + start, end: at.end + start },
    ),
  );
  return after >= 0 && skipSpace(view, after) === view.length ? found : undefined;
}

/** The elements of the array at [start, end), or `undefined` when it is not a JSON array. */
export function elementSpans(json: Uint8Array, start: number, end: number): Span[] | undefined {
  const view = json.subarray(start, end);
  const found: Span[] = [];
  let at = skipSpace(view, 0);
  if (view[at] !== OPEN_ARRAY) return undefined;
  at = skipSpace(view, at + 1);
  if (view[at] === CLOSE_ARRAY) return skipSpace(view, at + 1) === view.length ? found : undefined;
  for (;;) {
    const after = valueEnd(view, at);
    if (after < 0) return undefined;
    found.push([at + start, after + start]);
    at = skipSpace(view, after);
    if (view[at] === CLOSE_ARRAY) return skipSpace(view, at + 1) === view.length ? found : undefined;
    if (view[at] !== COMMA) return undefined;
    at = skipSpace(view, at + 1);
  }
}

function spansByName(list: readonly Member[] | undefined): Map<string, Span> | undefined {
  return list && new Map(list.map((member) => [member.name, [member.start, member.end]]));
}

/** Tells of each member as it ends; returns the offset after the object, or -1 where the text stops being JSON. */
function readObject(json: Uint8Array, start: number, visit: (member: Member) => void): number {
  if (json[start] !== OPEN_OBJECT) return -1;
  let at = skipSpace(json, start + 1);
  if (json[at] === CLOSE_OBJECT) return at + 1;
  for (;;) {
    const keyStart = at;
    const keyEnd = stringEnd(json, keyStart);
    if (keyEnd < 0) return -1;
    at = skipSpace(json, keyEnd);
    if (json[at] !== COLON) return -1;
    const valueStart = skipSpace(json, at + 1);
    const end = valueEnd(json, valueStart);
    // A number that touches the end of a cut text may go on there; valueEnd cannot know, so it is not told of.
    if (end < 0 || end === json.length) return -1;
    visit({ name: keyText(json, keyStart, keyEnd), keyStart, start: valueStart, end });
    at = skipSpace(json, end);
    if (json[at] === CLOSE_OBJECT) return at + 1;
    if (json[at] !== COMMA) return -1;
    at = skipSpace(json, at + 1);
  }
}

/** Keys are short and plain nearly always; for those a decoder costs more than the rest of the reading. */
const PLAIN_KEY = 48;

function keyText(json: Uint8Array, start: number, end: number): string {
  return (end - start <= PLAIN_KEY ? plainText(json, start + 1, end - 1) : undefined) ?? decodedKey(json, start, end);
}

/** ASCII without an escape, or undefined. */
function plainText(json: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  for (let at = start; at < end; at += 1) {
    const byte = json[at];
    if (byte === undefined || byte === BACKSLASH || byte > 0x7e) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function decodedKey(json: Uint8Array, start: number, end: number): string {
  const escaped = json.subarray(start, end).includes(BACKSLASH);
  if (!escaped) return utf8.decode(json.subarray(start + 1, end - 1));
  return String(JSON.parse(utf8.decode(json.subarray(start, end))));
}

/** The offset after the value that begins at `start`, or -1. Keeps its own stack: one byte for each open container. */
function valueEnd(json: Uint8Array, start: number): number {
  let open = new Uint8Array(64);
  let depth = 0;
  let at = start;
  for (;;) {
    const first = json[at];
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      const kind = first === OPEN_OBJECT ? IN_OBJECT : IN_ARRAY;
      at = skipSpace(json, at + 1);
      if (json[at] === (kind === IN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        at += 1;
      } else {
        if (depth === open.length) open = doubled(open);
        open[depth] = kind;
        depth += 1;
        if (kind === IN_OBJECT) at = afterColon(json, at);
        if (at < 0) return -1;
        continue;
      }
    } else {
      at = scalarEnd(json, at);
      if (at < 0) return -1;
    }
    // A value has ended: close what ends with it, up to the next comma.
    for (;;) {
      if (depth === 0) return at;
      const kind = open[depth - 1];
      at = skipSpace(json, at);
      const next = json[at];
      if (next === COMMA) {
        at = skipSpace(json, at + 1);
        if (kind === IN_OBJECT) at = afterColon(json, at);
        if (at < 0) return -1;
        break;
      }
      if (next !== (kind === IN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY)) return -1;
      depth -= 1;
      at += 1;
    }
  }
}

function doubled(stack: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(stack.length * 2);
  larger.set(stack);
  return larger;
}

/** From a key's opening quote to the value behind its colon, or -1. */
function afterColon(json: Uint8Array, keyStart: number): number {
  const keyEnd = stringEnd(json, keyStart);
  if (keyEnd < 0) return -1;
  const colon = skipSpace(json, keyEnd);
  return json[colon] === COLON ? skipSpace(json, colon + 1) : -1;
}

function scalarEnd(json: Uint8Array, start: number): number {
  const first = json[start];
  if (first === QUOTE) return stringEnd(json, start);
  if (first === MINUS || isDigit(first)) return numberEnd(json, start);
  for (const word of LITERALS) {
    if (word.every((letter, index) => json[start + index] === letter)) return start + word.length;
  }
  return -1;
}

function stringEnd(json: Uint8Array, start: number): number {
  if (json[start] !== QUOTE) return -1;
  let at = start + 1;
  for (;;) {
    const byte = json[at];
    if (byte === undefined || byte < 0x20) return -1;
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) at += 1;
    else {
      at = escapeEnd(json, at + 1);
      if (at < 0) return -1;
    }
  }
}

function escapeEnd(json: Uint8Array, at: number): number {
  switch (json[at]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 1;
    case LOWER_U:
      for (let digit = 1; digit <= 4; digit += 1) if (!isHex(json[at + digit])) return -1;
      return at + 5;
    default:
      return -1;
  }
}

function numberEnd(json: Uint8Array, start: number): number {
  let at = json[start] === MINUS ? start + 1 : start;
  if (!isDigit(json[at])) return -1;
  at = json[at] === ZERO ? at + 1 : skipDigits(json, at);
  if (json[at] === POINT) {
    if (!isDigit(json[at + 1])) return -1;
    at = skipDigits(json, at + 1);
  }
  const exponent = json[at];
  if (exponent === 0x65 || exponent === 0x45) {
    const sign = json[at + 1];
    at += sign === 0x2b || sign === MINUS ? 2 : 1;
    if (!isDigit(json[at])) return -1;
    at = skipDigits(json, at);
  }
  return at;
}

function skipDigits(json: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(json[at])) at += 1;
  return at;
}

function skipSpace(json: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = json[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= 0x39;
}

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}
