const FIRST_MS = 500;
const MAX_MS = 30_000;
/** A blip is over at once: the first tries of an outage come quickly. */
const FAST_TRIES = 3;
const FAST_MS = 200;
/** While a relay is away: the longest wait of the first second, of the first twenty, and as a part of the outage after that. */
const BLIP_MS = 500;
const AWAY_MS = 1000;
const AWAY_PART = 20;
/** Retry-After is obeyed within these: a relay that says 0 is not hammered, one that says a year is not lost. */
const LATER_MIN_SECONDS = 1;
const LATER_MAX_SECONDS = 600;
const DRAIN_MAX_MS = 60_000;

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

/**
 * How long to wait before the next try while nothing listens where the relay was: such a try costs next to nothing, so
 * the wait is at most a second at first, and then a twentieth of how long the outage has lasted, up to 30 s.
 *
 * @param outageMs since the first try that failed
 * @returns milliseconds, half of it random
 */
export function awayDelay(outageMs: number, random: number = Math.random()): number {
  const ceiling = outageMs < AWAY_MS ? BLIP_MS : Math.min(MAX_MS, Math.max(AWAY_MS, outageMs / AWAY_PART));
  return Math.round(ceiling * (0.5 + random / 2));
}

/** The wait a relay asks for by Retry-After (seconds), and up to a fifth more, so that those it told the same spread. @returns milliseconds */
export function retryAfterDelay(seconds: number, random: number = Math.random()): number {
  const asked = Math.min(Math.max(seconds, LATER_MIN_SECONDS), LATER_MAX_SECONDS);
  return Math.round(asked * 1000 * (1 + random * 0.2));
}

/** When to dial again after a `drain`: a random part of what it says, which is not believed above a minute. @returns milliseconds */
export function drainDelay(afterMs: number, random: number = Math.random()): number {
  return Math.round(Math.min(afterMs, DRAIN_MAX_MS) * random);
}
