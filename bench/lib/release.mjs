import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Makes the release from dist/, as users get it: bundled, it starts faster and is smaller. @returns its program */
export function release() {
  const out = join(root, 'build/bench');
  execFileSync(process.execPath, [join(root, 'scripts/pack.mjs'), '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return join(out, 'package/bin/run.js');
}
