/**
 * Finds where the members of a JSON object lie in its bytes, without building a tree.
 *
 * Large messages are forwarded as the bytes they came in: nothing is lost (integers over 2^53, key order, unknown keys)
 * and a 64 MiB result costs one pass. The whole text is checked against RFC 8259 on the way, iteratively, so that
 * neither deep nesting nor a malformed tail gets past. Bytes that are not UTF-8 inside strings are not looked at.
 */

import { keyText, saysText, stringEnd } from './json-strings.js';

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
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const IN_ARRAY = 0;
const IN_OBJECT = 1;

const LITERALS = ['true', 'false', 'null'].map((word) => Array.from(word, (letter) => letter.charCodeAt(0)));

/**
 * Members of the one JSON object that fills `json` (whitespace around it allowed), by name; of a repeated name the last,
 * as `JSON.parse` has it. `undefined` when it is not a JSON object.
 */
export function topLevelSpans(json: Uint8Array): Map<string, Span> | undefined {
  const spans = new Map<string, Span>();
  const after = readObject(json, skipSpace(json, 0), (keyStart, keyEnd, start, end) =>
    spans.set(keyText(json, keyStart, keyEnd), [start, end]),
  );
  return after >= 0 && skipSpace(json, after) === json.length ? spans : undefined;
}

/** The complete members at the start of an object whose end is missing; of a repeated name the last. */
export function leadingSpans(head: Uint8Array): Map<string, Span> {
  const spans = new Map<string, Span>();
  readObject(head, skipSpace(head, 0), (keyStart, keyEnd, start, end) =>
    spans.set(keyText(head, keyStart, keyEnd), [start, end]),
  );
  return spans;
}

/** The value of one member of the object at [start, end), or `undefined` when there is none or no such object. */
export function memberSpan(json: Uint8Array, start: number, end: number, name: string): Span | undefined {
  return memberOf(json, start, end, name) || undefined;
}

/** The same, told apart: `false` where an object has no such member, `undefined` where there is no JSON object. */
export function memberOf(json: Uint8Array, start: number, end: number, name: string): Span | false | undefined {
  const view = start === 0 && end === json.length ? json : json.subarray(start, end);
  let span: Span | false = false;
  const after = readObject(view, skipSpace(view, 0), (keyStart, keyEnd, from, to) => {
    if (saysText(view, keyStart, keyEnd, name)) span = [from + start, to + start];
  });
  return after >= 0 && skipSpace(view, after) === view.length ? span : undefined;
}

/** The text of the string at this span; `undefined` where another value is. */
export function textAt(json: Uint8Array, [start, end]: Span): string | undefined {
  return json[start] === QUOTE ? keyText(json, start, end) : undefined;
}

/** All members of the object at [start, end) in order, repeated names included; `undefined` when it is not a JSON object. */
export function members(json: Uint8Array, start: number, end: number): Member[] | undefined {
  const view = start === 0 && end === json.length ? json : json.subarray(start, end);
  const found: Member[] = [];
  const after = readObject(view, skipSpace(view, 0), (keyStart, keyEnd, from, to) => {
    const name = keyText(view, keyStart, keyEnd);
    found.push({ name, keyStart: keyStart + start, start: from + start, end: to + start });
  });
  return after >= 0 && skipSpace(view, after) === view.length ? found : undefined;
}

/** The elements of the array at [start, end), or `undefined` when it is not a JSON array. */
export function elementSpans(json: Uint8Array, start: number, end: number): Span[] | undefined {
  if (json[skipSpace(json, start)] !== OPEN_ARRAY) return undefined;
  const view = start === 0 && end === json.length ? json : json.subarray(start, end);
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

type Visit = (keyStart: number, keyEnd: number, start: number, end: number) => void;

/** Tells of each member as it ends; returns the offset after the object, or -1 where the text stops being JSON. */
function readObject(json: Uint8Array, start: number, visit: Visit): number {
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
    visit(keyStart, keyEnd, valueStart, end);
    at = skipSpace(json, end);
    if (json[at] === CLOSE_OBJECT) return at + 1;
    if (json[at] !== COMMA) return -1;
    at = skipSpace(json, at + 1);
  }
}

/** Of so many open containers the kinds fit into one number, a bit each: a message has no more, and needs no stack. */
const BITS = 31;

/** The offset after the value that begins at `start`, or -1. Keeps its own stack: one bit for each open container. */
function valueEnd(json: Uint8Array, start: number): number {
  let open = 0;
  let full: number[] | undefined;
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
        if (depth > 0 && depth % BITS === 0) {
          full ??= [];
          full.push(open);
          open = 0;
        }
        open = (open << 1) | kind;
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
      const kind = open & 1;
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
      open = depth > 0 && depth % BITS === 0 ? (full?.pop() ?? 0) : open >> 1;
      at += 1;
    }
  }
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
    if (word[0] === first && word.every((letter, index) => json[start + index] === letter)) return start + word.length;
  }
  return -1;
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
