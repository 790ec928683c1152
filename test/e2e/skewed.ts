/** Program options under which the process's clock goes wrong by so many seconds. */
export function skewed(seconds: number) {
  const module = new URL('fixtures/skewed-clock.mjs', import.meta.url);
  // By URL: Windows takes no path there.
  return { node: ['--import', module.href], env: { CLOCK_SKEW_SECONDS: String(seconds) } };
}
