const FIRST_MS = 500;
const LAST_MS = 30_000;

/** Ready for this long, a server counts as healthy again. */
export const STABLE_MS = 30_000;

/**
 * Milliseconds to wait before the next start: full jitter (anything from nothing up to a ceiling that doubles from
 * 0.5 s to 30 s), so that servers which fell together do not come back together.
 * @param failures starts in a row that failed or did not last, this one excluded
 * @param random a number in [0, 1)
 */
export function restartDelay(failures: number, random: number): number {
  return Math.floor(random * Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures, 16)));
}
