/** A stored value with the moment it stops being visible; milliseconds since the epoch, Infinity for never. */
export interface Entry {
  readonly expiresAt: number;
  readonly json: string;
}

/** `<expiry> <json>`: the expiry stands in front so that a sweep need not parse the value. */
export function encodeEntry(value: unknown, ttlSeconds: number | undefined, now: number): string {
  const expiry = ttlSeconds === undefined ? '-' : String(now + Math.ceil(ttlSeconds * 1000));
  return `${expiry} ${JSON.stringify(value)}`;
}

/** @throws SyntaxError when the text was not written by encodeEntry */
export function decodeEntry(text: string): Entry {
  const space = text.indexOf(' ');
  const expiry = text.slice(0, space);
  const expiresAt = expiry === '-' ? Number.POSITIVE_INFINITY : Number(expiry);
  if (space < 1 || Number.isNaN(expiresAt)) throw new SyntaxError('not a store entry');
  return { expiresAt, json: text.slice(space + 1) };
}
