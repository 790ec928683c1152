/** A command line that cannot be meant. The message says what to write. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
