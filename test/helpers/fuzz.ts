import fc from 'fast-check';

/** `npm run fuzz` sets it; in `npm test` a fuzz is a short one. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 2);

/** How long a test with one fuzz in it may take. */
export const FUZZ_MS = SECONDS * 1000 + 30_000;

/**
 * Looks for a counterexample for FUZZ_SECONDS, or a part of them. FUZZ_SEED has the same cases come again, in the same order.
 *
 * @throws Error with the smallest counterexample, its seed and its path
 */
export function fuzz<Case>(name: string, property: fc.IProperty<Case>, part = 1): void {
  judge(name, fc.check(property, parameters<Case>(part)));
}

/** The same of what takes time. */
export async function fuzzAsync<Case>(name: string, property: fc.IAsyncProperty<Case>, part = 1): Promise<void> {
  judge(name, await fc.check(property, parameters<Case>(part)));
}

function parameters<Case>(part: number): fc.Parameters<Case> {
  const seed = process.env.FUZZ_SEED === undefined ? undefined : Number(process.env.FUZZ_SEED);
  return {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: SECONDS * part * 1000,
    markInterruptAsFailure: false,
    ...(seed === undefined ? {} : { seed }),
  };
}

function judge<Case>(name: string, found: fc.RunDetails<Case>): void {
  if (process.env.FUZZ_SECONDS !== undefined)
    process.stderr.write(`${name}: ${found.numRuns} cases, seed ${found.seed}\n`);
  if (!found.failed) return;
  throw new Error(`again with FUZZ_SEED=${found.seed}\n${fc.defaultReportMessage(found)}`, {
    cause: found.errorInstance,
  });
}
