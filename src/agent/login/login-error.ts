import type { AgentConfig } from '../../config/config.js';
import { printable } from '../../log/printable.js';
import { DiscoveryError, isNetworkError, networkReason } from '../credentials/discovery.js';

/**
 * - `access_denied`: the person said no, or may not sign in
 * - `refused`: the relay refused for another reason, or its answer does not hold
 * - `no_device_login`: the relay has no login for machines without a browser
 * - `timeout`: nobody answered in time
 * - the rest: see DiscoveryErrorCode
 */
export type LoginErrorCode =
  | 'access_denied'
  | 'refused'
  | 'no_device_login'
  | 'timeout'
  | 'relay_unreachable'
  | 'not_a_relay'
  | 'wrong_origin'
  | 'insecure';

/** The login did not happen; nothing was changed. The message ends with the next step and holds no secret. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  constructor(
    readonly code: LoginErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The person took too long. */
export function timedOut(): LoginError {
  return new LoginError('timeout', 'Nobody logged in in time. Run mcp-local-tunnel login again.');
}

/** Any failure of a login as a LoginError; what is none of its failures (a file, a bug) unchanged. */
export function explained(config: AgentConfig, error: unknown, client: typeof import('openid-client')): unknown {
  const again = 'Run mcp-local-tunnel login again';
  if (error instanceof DiscoveryError) return new LoginError(error.code, error.message, { cause: error });
  const answered = error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError;
  if (answered && error.error === 'access_denied') {
    return new LoginError('access_denied', `The login was declined. ${again} and allow it.`, { cause: error });
  }
  if (answered && error.error === 'expired_token') return timedOut();
  if (error instanceof client.AuthorizationResponseError) {
    return new LoginError('refused', `The relay refused the login (${reasonOf(error)}). ${again}.`, { cause: error });
  }
  if (isNetworkError(error)) {
    const message = `The relay ${config.relay} could not be asked for the tokens (${networkReason(error)}). ${again}.`;
    return new LoginError('relay_unreachable', message, { cause: error });
  }
  if (error instanceof client.ResponseBodyError) {
    return new LoginError('refused', `The relay refused the answer (${reasonOf(error)}). ${again}.`, { cause: error });
  }
  if (error instanceof client.ClientError) {
    const message = `The answer does not come from ${config.relay} (${error.message}). ${again}.`;
    return new LoginError('refused', message, { cause: error });
  }
  return error;
}

function reasonOf({ error, error_description: text }: { error: string; error_description?: string }): string {
  return printable(text === undefined ? error : `${error}: ${text}`);
}
