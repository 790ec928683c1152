/**
 * Why a login at the provider failed.
 * `unreachable`: no answer, try again. `misconfigured`: the relay's settings and the provider disagree.
 * `state`: an answer that this browser did not ask for, or asked for too long ago, or has used already.
 * `cancelled`: the person or the provider said no. `provider`: the provider answered something unusable.
 * `claim`: the claim that names the user is missing. `refused`: signed in, but not let in by `auth.allow`.
 */
export type LoginErrorCode = 'unreachable' | 'misconfigured' | 'state' | 'cancelled' | 'provider' | 'claim' | 'refused';

export interface LoginErrorDetails {
  /** The authorization request the login belongs to, where it is known: it can be tried again. */
  readonly uid?: string;
  /** Who was refused, in words the person knows. */
  readonly account?: string;
  readonly cause?: unknown;
}

/** The message is for the log: it names no secret, and the person is shown words made from `code`. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly uid: string | undefined;
  readonly account: string | undefined;

  constructor(
    readonly code: LoginErrorCode,
    message: string,
    details: LoginErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.uid = details.uid;
    this.account = details.account;
  }

  /** The same failure, of this authorization request. */
  at(uid: string): LoginError {
    return new LoginError(this.code, this.message, {
      uid,
      ...(this.account === undefined ? {} : { account: this.account }),
      cause: this.cause,
    });
  }
}
