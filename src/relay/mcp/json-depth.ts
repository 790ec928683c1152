const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * True when no value in this JSON text is nested deeper than `max`; checked before parsing.
 * Text that is not JSON gives either answer: parsing finds out.
 */
export function depthWithin(json: Uint8Array, max: number): boolean {
  if (!opensMoreThan(json, max)) return true;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (quoted) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > max) return false;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return true;
}

/** Brackets within strings count too: for most texts it is enough that there are few in all. */
function opensMoreThan(json: Uint8Array, max: number): boolean {
  if (json.length <= max) return false;
  let left = max;
  for (const bracket of [0x7b, 0x5b]) {
    for (let at = json.indexOf(bracket); at !== -1; at = json.indexOf(bracket, at + 1)) {
      if (left === 0) return true;
      left -= 1;
    }
  }
  return false;
}
