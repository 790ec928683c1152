/** New token and new link this long before the old token ends. */
const RENEW_MS = 45_000;
/** Not oftener than this, while a clock that is a little fast asks for a token that is not replaced yet. */
const LEAST_MS = 10_000;
/** A token that has just opened a link and ended longer ago than this did not: the clock here is wrong. */
const WRONG_CLOCK_MS = 120_000;

/**
 * When to open the next link, counted from now. Undefined where this machine's clock cannot tell, hours fast as some
 * are: the relay closes the link at the token's true end (4401), and the agent refreshes then.
 *
 * @param expiry what {@link tokenExpiry} says of the token that opened the link
 * @returns milliseconds
 */
export function renewDelay(expiry: number | undefined, now: number): number | undefined {
  if (expiry === undefined || now - expiry > WRONG_CLOCK_MS) return undefined;
  return Math.max(LEAST_MS, expiry - now - RENEW_MS);
}

/**
 * When an access token ends, if it is a JWT (RFC 7519) that says so. Not checked: the relay does that;
 * this only times the next link.
 *
 * @returns milliseconds since the epoch
 */
export function tokenExpiry(token: string): number | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined;
    return typeof claims.exp === 'number' ? claims.exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
