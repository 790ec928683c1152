/** What an agent tells of one local server: how it is, and in one word why it is not ready. */

export const SERVER_STATUSES = ['starting', 'ready', 'failed', 'waiting', 'disabled', 'stopped'] as const;

export type ServerStatus = (typeof SERVER_STATUSES)[number];

/**
 * Why a server is not ready. One of these words and nothing of what the server wrote: that is for its machine's owner.
 * - `not_found`: the program or its working folder is not there
 * - `not_allowed`: the program may not be run, or the server answered HTTP 401 or 403
 * - `unreachable`: nothing answers at its URL
 * - `exited`: it ended, or ended its connection
 * - `no_answer`: it was not ready in time
 * - `bad_protocol`: what it answered is not MCP, or not a revision of it that both sides speak
 */
const SERVER_REASONS = ['not_found', 'not_allowed', 'unreachable', 'exited', 'no_answer', 'bad_protocol'] as const;

export type ServerReason = (typeof SERVER_REASONS)[number];

export function isServerStatus(value: unknown): value is ServerStatus {
  return SERVER_STATUSES.some((known) => known === value);
}

export function isServerReason(value: unknown): value is ServerReason {
  return SERVER_REASONS.some((known) => known === value);
}
