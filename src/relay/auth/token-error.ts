export type TokenErrorCode = 'missing' | 'invalid' | 'expired' | 'revoked' | 'wrong_audience' | 'insufficient_scope';

const text: Readonly<Record<TokenErrorCode, string>> = {
  missing: 'no access token was sent',
  invalid: 'the access token is not valid',
  expired: 'the access token has expired',
  revoked: 'the access token was revoked',
  wrong_audience: 'the access token is for another resource',
  insufficient_scope: 'the access token does not have the scope needed here',
};

/** Why an access token does not open a resource. Never holds the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';

  constructor(readonly code: TokenErrorCode) {
    super(text[code]);
  }
}
