import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { storeError } from './errors.js';
import { LevelStore } from './level-store.js';

/**
 * Opens the embedded store in `<dataDir>/store`, making both folders (0700) where they are missing.
 * @throws StoreError `locked` when another relay has it; `readonly`, `full`, `corrupt` or `failed` when the disk refuses
 */
export async function openStore(dataDir: string): Promise<LevelStore> {
  const folder = join(dataDir, 'store');
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // LevelDB makes its files with the umask, so the folder is what keeps others out.
    if (process.platform !== 'win32') await chmod(folder, 0o700);
    const db = new ClassicLevel<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
    await db.open();
    return new LevelStore(db, folder);
  } catch (cause) {
    throw storeError(cause, folder);
  }
}
