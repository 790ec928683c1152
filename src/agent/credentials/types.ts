/** What the rest of the agent sees of the login. Files, locks and the OAuth client stay inside this folder. */

/** Why there is no access token. Each has one next step: log in, log in again, wait and try again. */
export type CredentialErrorCode = 'not_logged_in' | 'login_expired' | 'relay_unreachable';

/** No access token. `message` is one sentence for the user that ends with the next step and holds no secret. */
export class CredentialError extends Error {
  constructor(
    readonly code: CredentialErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = 'CredentialError';
  }
}

export interface AccessTokenRequest {
  /** The relay refused the token last given: do not answer with that one again. */
  readonly forceRefresh?: boolean;
  readonly signal: AbortSignal;
}

export interface TokenSource {
  /**
   * A token for `<relay>/ws` that is good for at least another minute; refreshed when needed, by one process at a time.
   * @throws CredentialError, or the signal's reason.
   */
  accessToken(request: AccessTokenRequest): Promise<string>;
}
