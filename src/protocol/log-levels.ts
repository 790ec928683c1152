/** RFC 5424 severities by MCP's names (server/utilities/logging), least severe first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

/** True when a message of this level is to reach a client that asked for `lowest` and above. */
export function levelAtLeast(level: unknown, lowest: string): boolean {
  return typeof level === 'string' && rank(level) >= rank(lowest);
}

function rank(level: string): number {
  return (LOG_LEVELS as readonly string[]).indexOf(level);
}
