/** Keeps `concurrency` calls going until `count` have been answered. @returns calls a second and the sorted times, ms */
export async function drive(call, concurrency, count) {
  const times = [];
  let left = count;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left > 0) {
        left -= 1;
        times.push(await call());
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  return { perSecond: count / seconds, seconds, times: times.sort((a, b) => a - b) };
}

/** Calls one after another for as long as `busy` is not settled, and `atLeast` in any case. @returns the sorted times, ms */
export async function driveBeside(call, busy, atLeast) {
  const times = [];
  let over = false;
  const ended = busy.finally(() => {
    over = true;
  });
  // Looked at where it is awaited, below.
  ended.catch(() => {});
  while (!over || times.length < atLeast) times.push(await call());
  await ended;
  return times.sort((a, b) => a - b);
}

export function median(values) {
  return at(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** The median of each key by itself. */
export function medians(records) {
  return Object.fromEntries(Object.keys(records[0]).map((key) => [key, median(records.map((record) => record[key]))]));
}

/** @param times sorted @param share 0.99 for p99 */
export function at(times, share) {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))];
}

/** Runs `measure` for each of `subjects` in turn, `rounds` times, so that what disturbs one disturbs all. @returns subject → runs */
export async function interleave(subjects, rounds, measure) {
  const runs = new Map(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of subjects) runs.get(subject).push(await measure(subject));
  }
  return runs;
}
