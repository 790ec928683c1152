import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Driver extends AsyncDisposable {
  /** A script Node can run. */
  readonly path: string;
}

/** Builds driver.ts below node_modules, from where it finds its packages; in parts, so that each command loads only its own. */
export async function buildDriver(): Promise<Driver> {
  const name = `../../../node_modules/.cache/session-driver-${randomBytes(6).toString('hex')}`;
  const outdir = fileURLToPath(new URL(name, import.meta.url));
  await build({
    entryPoints: [fileURLToPath(new URL('driver.ts', import.meta.url))],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });
  const dispose = () => rm(outdir, { recursive: true, force: true });
  return { path: join(outdir, 'driver.mjs'), [Symbol.asyncDispose]: dispose };
}
