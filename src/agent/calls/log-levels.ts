/** RFC 5424 severities by MCP's names (server/utilities/logging), least severe first. */
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** True when a message of this level is to reach a client that asked for `lowest` and above. */
export function levelAtLeast(level: unknown, lowest: string): boolean {
  return typeof level === 'string' && LEVELS.indexOf(level) >= LEVELS.indexOf(lowest);
}
