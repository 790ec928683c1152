/**
 * `locked`: another relay has the folder. `full`: no space left. `readonly`: the folder cannot be written.
 * `corrupt`: the files are damaged. `closed`: used after close. `failed`: anything else the disk says.
 */
export type StoreErrorCode = 'locked' | 'full' | 'readonly' | 'corrupt' | 'closed' | 'failed';

/** The store cannot be opened or used; the message says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly code: StoreErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const advice: Readonly<Record<StoreErrorCode, (folder: string) => string>> = {
  locked: (folder) =>
    `Another relay is using ${folder}. Stop it, or give this relay a folder of its own with "dataDir" in the config.`,
  full: (folder) => `No space left for ${folder}. Free some space, then restart the relay.`,
  readonly: (folder) =>
    `Cannot write to ${folder}. Make it writable for the user that runs the relay, or set another "dataDir".`,
  corrupt: (folder) => `The files in ${folder} are damaged. Restore them from a backup, or move the folder away.`,
  closed: (folder) => `The store in ${folder} is closed.`,
  failed: (folder) => `The store in ${folder} failed.`,
};

// LevelDB passes the system's words on; there are no codes for these.
const words: readonly (readonly [RegExp, StoreErrorCode])[] = [
  [/no space left|file too large|quota exceeded/i, 'full'],
  [/read-only|permission denied|operation not permitted|access is denied/i, 'readonly'],
  [/corrupt/i, 'corrupt'],
];

/** What the embedded database or the file system threw, as a StoreError about `folder`. */
export function storeError(cause: unknown, folder: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = codeOf(cause);
  return new StoreError(code, advice[code](folder), { cause });
}

function codeOf(thrown: unknown): StoreErrorCode {
  const chain: Error[] = [];
  for (let error = thrown; error instanceof Error; error = error.cause) chain.push(error);
  const codes = chain.map((error) => ('code' in error ? error.code : undefined));
  if (codes.includes('LEVEL_LOCKED')) return 'locked';
  if (codes.includes('LEVEL_CORRUPTION')) return 'corrupt';
  if (codes.includes('ENOSPC') || codes.includes('EDQUOT')) return 'full';
  if (codes.some((code) => code === 'EROFS' || code === 'EACCES' || code === 'EPERM')) return 'readonly';
  for (const [pattern, code] of words) {
    if (chain.some((error) => pattern.test(error.message))) return code;
  }
  return codes.includes('LEVEL_DATABASE_NOT_OPEN') ? 'closed' : 'failed';
}
