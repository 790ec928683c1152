/** Finds where the strings of a JSON text end, in its bytes. */

import { LongStrings } from './long-strings.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/** Of a string longer than this, four bytes are looked at at a time. */
const LONG = 64;
/** A byte in each place of a 32-bit word. */
const EACH_ONE = 0x01010101;
const EACH_SPACE = 0x20202020;
const EACH_QUOTE = 0x22222222;
const EACH_BACKSLASH = 0x5c5c5c5c;
const EACH_HIGH_BIT = 0x80808080 | 0;

/** `ignoreBOM`: a key may begin with U+FEFF, which is then part of it. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The offset after the string whose opening quote is at `start`, or -1 when there is no string (RFC 8259 section 7). */
export function stringEnd(json: Uint8Array, start: number): number {
  if (json[start] !== QUOTE) return -1;
  let at = start + 1;
  for (;;) {
    if (at - start > LONG) return longStringEnd(json, start, at);
    const byte = json[at];
    if (byte === undefined || byte < 0x20) return -1;
    if (byte === QUOTE) return at + 1;
    at = byte === BACKSLASH ? escapeEnd(json, at + 1) : at + 1;
    if (at < 0) return -1;
  }
}

/** The text of the string at [start, end), quotes included. */
export function keyText(json: Uint8Array, start: number, end: number): string {
  let plain = '';
  for (let at = start + 1; at < end - 1 && at < start + LONG; at += 1) {
    const byte = json[at];
    if (byte === undefined || byte >= 0x80 || byte === BACKSLASH) break;
    plain += String.fromCharCode(byte);
  }
  if (plain.length === end - start - 2) return plain;
  const escaped = json.subarray(start, end).includes(BACKSLASH);
  if (!escaped) return utf8.decode(json.subarray(start + 1, end - 1));
  return String(JSON.parse(utf8.decode(json.subarray(start, end))));
}

/** Whether the string at [start, end), quotes included, says this. No string is made of it, but where it is escaped or not ASCII. */
export function saysText(json: Uint8Array, start: number, end: number, text: string): boolean {
  const bytes = end - start - 2;
  if (bytes < text.length) return false;
  for (let at = 0; at < bytes; at += 1) {
    const byte = json[start + 1 + at] as number;
    if (byte >= 0x80 || byte === BACKSLASH) return keyText(json, start, end) === text;
    if (byte !== text.charCodeAt(at)) return false;
  }
  return true;
}

/** The rest of the string that begins at `start`, from `at` in it on. */
function longStringEnd(json: Uint8Array, start: number, at: number): number {
  const known = LongStrings.of(json)?.endOf(json.byteOffset + start);
  // A cut text may end within it.
  if (known !== undefined && known <= json.byteOffset + json.length) return known - json.byteOffset;
  const stop = stringStop(json, at);
  return json[stop] === QUOTE ? stop + 1 : -1;
}

/**
 * From `start` within a string on, the offset where it stops: its closing quote, a byte that may not be in it, the
 * backslash of an escape that is none or not whole, or the text's end. Whole words at a time while nothing in them but
 * stands for itself.
 */
export function stringStop(json: Uint8Array, start: number): number {
  const first = start + (-(json.byteOffset + start) & 3);
  const count = Math.max(0, (json.length - first) >> 2);
  const words = new Int32Array(json.buffer, count === 0 ? 0 : json.byteOffset + first, count);
  let at = start;
  for (;;) {
    if (((at - first) & 3) === 0) {
      let index = (at - first) >> 2;
      while (index < count && isPlain(words[index] as number)) index += 1;
      at = first + index * 4;
    }
    const byte = json[at];
    if (byte === undefined) return json.length;
    if (byte < 0x20 || byte === QUOTE) return at;
    const next = byte === BACKSLASH ? escapeEnd(json, at + 1) : at + 1;
    if (next < 0) return at;
    at = next;
  }
}

/** Whether none of the four bytes is a control character, a quote or a backslash. */
function isPlain(word: number): boolean {
  const quote = word ^ EACH_QUOTE;
  const backslash = word ^ EACH_BACKSLASH;
  // Each term has a high bit when, and only when, there is such a byte.
  const ends = ((word - EACH_SPACE) & ~word) | ((quote - EACH_ONE) & ~quote) | ((backslash - EACH_ONE) & ~backslash);
  return (ends & EACH_HIGH_BIT) === 0;
}

/** The offset after an escape whose backslash is before `at`, or -1. */
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

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}
