import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Driver extends AsyncDisposable {
  /** A script Node can run. */
  readonly path: string;
}

/** Builds driver.ts into one file below node_modules, from where it finds its packages. */
export async function buildDriver(): Promise<Driver> {
  const name = `../../../node_modules/.cache/session-driver-${randomBytes(6).toString('hex')}.mjs`;
  const path = fileURLToPath(new URL(name, import.meta.url));
  await build({
    entryPoints: [fileURLToPath(new URL('driver.ts', import.meta.url))],
    outfile: path,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}
