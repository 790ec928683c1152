import type { ServerReason } from '../../../protocol/server-state.js';

const WORDS: Readonly<Record<ServerReason, string>> = {
  not_found: 'its program or working folder was not found',
  not_allowed: 'it may not be run, or it refuses the headers it is given',
  unreachable: 'nothing answers at its URL',
  exited: 'it ended by itself',
  no_answer: 'it did not get ready in time',
  bad_protocol: 'what it answers is not MCP as the agent speaks it',
};

/** Why a server is not ready, and the next step. What it wrote itself is for its machine's owner. */
export function serverProblem(reason: ServerReason): string {
  return `${WORDS[reason]}; "mcp-local-tunnel status" on that machine says more`;
}
