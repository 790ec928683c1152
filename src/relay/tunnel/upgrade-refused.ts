const RESTART_SECONDS = '2';

/** An upgrade that does not happen: what is answered instead of 101. */
export class UpgradeRefused extends Error {
  /** The relay stops: another one is there soon. */
  static restarting(): UpgradeRefused {
    return new UpgradeRefused(503, 'unavailable', 'the relay restarts', { 'Retry-After': RESTART_SECONDS });
  }

  constructor(
    readonly status: number,
    readonly error: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}
