import type { AgentConfig } from '../../config/config.js';
import { printable } from '../../log/printable.js';
import { DiscoveryError, isNetworkError, networkReason } from '../credentials/discovery.js';

/**
 * - `access_denied`: the person said no, or may not sign in
 * - `refused`: the relay refused for another reason, or its answer does not hold
 * - `state_mismatch`: what was pasted answers another login
 * - `no_answer`: nothing more can come: no browser on this machine and the input has ended
 * - `timeout`: nobody answered in time
 * - the rest: see DiscoveryErrorCode
 */
export type LoginErrorCode =
  | 'access_denied'
  | 'refused'
  | 'state_mismatch'
  | 'no_answer'
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

/** Nothing more can come. */
export function unanswered(code: 'no_answer' | 'state_mismatch'): LoginError {
  const why = code === 'no_answer' ? 'No answer was pasted' : 'What was pasted answers an earlier login';
  return new LoginError(code, `${why}. Run mcp-local-tunnel login again and paste the line its page shows.`);
}

/** The person took too long. */
export function timedOut(): LoginError {
  return new LoginError('timeout', 'Nobody logged in in time. Run mcp-local-tunnel login again.');
}

/** Any failure of a login as a LoginError; what is none of its failures (a file, a bug) unchanged. */
export function explained(config: AgentConfig, error: unknown, client: typeof import('openid-client')): unknown {
  const again = 'Run mcp-local-tunnel login again';
  if (error instanceof DiscoveryError) return new LoginError(error.code, error.message, { cause: error });
  if (error instanceof client.AuthorizationResponseError) {
    if (error.error === 'access_denied') {
      return new LoginError('access_denied', `The login was declined. ${again} and allow it.`, { cause: error });
    }
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
