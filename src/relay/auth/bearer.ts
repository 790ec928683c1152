import type { IncomingMessage } from 'node:http';
import type { Resource } from './resources.js';
import { TokenError } from './token-error.js';

/**
 * The bearer token of a request's Authorization header (RFC 6750 §2.1).
 * @throws TokenError `missing` when there is none, `invalid` when it is malformed
 */
export function bearerToken(req: IncomingMessage): string {
  const header = req.headers.authorization;
  const token = header === undefined ? undefined : /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1];
  if (token !== undefined) return token;
  throw new TokenError(
    header === undefined || !/^bearer\b/i.test(header) || /^bearer *$/i.test(header) ? 'missing' : 'invalid',
  );
}

/** The path of a request as it stands in its first line, without the query. */
export function requestPath({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** True when a token stands in the query string, where logs and Referer headers carry it on; answer 400. */
export function hasTokenInQuery(req: IncomingMessage): boolean {
  if (req.url?.includes('?') !== true) return false;
  const query = new URLSearchParams(req.url.split('?', 2)[1]);
  return query.has('access_token') || query.has('token');
}

/**
 * The WWW-Authenticate header that tells a client where to log in (RFC 9728 §5.1, RFC 6750 §3).
 * @param error absent: no token was sent, so no error is named (RFC 6750 §3.1)
 * @param scope all that the operation needs, where opening the resource is not enough for it
 */
export function challenge(
  issuer: string,
  resource: Resource,
  error?: Pick<TokenError, 'code' | 'message'>,
  scope: string = resource.scope,
): string {
  const parts = [
    `resource_metadata="${issuer}/.well-known/oauth-protected-resource${resource.path}"`,
    `scope="${scope}"`,
  ];
  if (error !== undefined && error.code !== 'missing') {
    const code = error.code === 'insufficient_scope' ? 'insufficient_scope' : 'invalid_token';
    parts.push(`error="${code}"`, `error_description="${error.message}"`);
  }
  return `Bearer ${parts.join(', ')}`;
}
