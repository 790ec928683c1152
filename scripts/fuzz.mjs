/**
 * `npm run fuzz`: each fuzz of the tests for a minute or a part of it, side by side. FUZZ_SECONDS has them look for longer; FUZZ_SEED has
 * the cases of an earlier run come again.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const vitest = join(createRequire(import.meta.url).resolve('vitest/package.json'), '../vitest.mjs');
const { FUZZ_SECONDS = '60' } = process.env;
const { status } = spawnSync(process.execPath, [vitest, 'run', '.fuzz.test.ts'], {
  cwd: resolve(import.meta.dirname, '..'),
  env: { ...process.env, FUZZ_SECONDS },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
