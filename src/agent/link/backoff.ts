const FIRST_MS = 500;
const MAX_MS = 30_000;
/** A blip is over at once: the first tries of an outage come quickly. */
const FAST_TRIES = 3;
const FAST_MS = 200;

/**
 * How long to wait before try number `attempt` (0 is the first after a loss): full jitter,
 * `random(0, min(30 s, 0.5 s · 2^n))` after three quick tries, so that a thousand agents do not come back in step.
 *
 * @param random in [0, 1)
 * @returns milliseconds
 */
export function redialDelay(attempt: number, random: number = Math.random()): number {
  const ceiling = attempt < FAST_TRIES ? FAST_MS : Math.min(MAX_MS, FIRST_MS * 2 ** (attempt - FAST_TRIES));
  return Math.round(random * ceiling);
}

/** The wait a relay asks for by Retry-After (seconds), spread by a tenth either way. @returns milliseconds */
export function retryAfterDelay(seconds: number, random: number = Math.random()): number {
  return Math.round(Math.min(seconds, 600) * 1000 * (0.9 + random * 0.2));
}
