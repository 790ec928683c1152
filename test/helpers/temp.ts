import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempFolder extends AsyncDisposable {
  readonly path: string;
}

/** An empty folder that goes with all that is in it. */
export async function tempFolder(prefix: string): Promise<TempFolder> {
  // macOS's temporary folder is behind a symbolic link; processes tell the real path.
  const path = await realpath(await mkdtemp(join(tmpdir(), `${prefix}-`)));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
