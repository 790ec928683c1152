import type { Config } from './config.js';
import type { Problem } from './config-error.js';
import { decodeAgent } from './decode-agent.js';
import type { DecodeContext } from './decode-context.js';
import { decodeRelay } from './decode-relay.js';
import type { Plain } from './plain.js';

/** The config in the shape of its mode, or undefined with everything wrong added to `problems`. Loads class-validator. */
export function decode(raw: Plain, context: DecodeContext, problems: Problem[]): Config | undefined {
  if (raw.mode === 'relay') return decodeRelay(raw, context, problems);
  if (raw.mode === 'agent') return decodeAgent(raw, context, problems);
  const what = raw.mode === undefined ? 'is missing' : 'is neither of the two modes';
  const message = `${what}; write "relay" on the server with the public address, "agent" on the machine with the MCP servers`;
  problems.push({ path: 'mode', message });
  return undefined;
}
