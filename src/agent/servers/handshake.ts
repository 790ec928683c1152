import { printable } from '../../log/printable.js';
import { jsonLength } from './bounds.js';
import { isRecord } from './messages.js';
import { StartError } from './types.js';

/** Revisions of the legacy era, the newest first; the first is offered. */
const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** Of `serverInfo` and of `capabilities`, as JSON text. */
const ABOUT_CHARACTERS = 256 * 1024;
const INSTRUCTIONS_CHARACTERS = 256 * 1024;

/** What a server says of itself in `initialize`. */
export interface Hello {
  readonly protocolVersion: string;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions?: string;
}

/** No capabilities: servers' requests to the client (roots, sampling, elicitation) are not passed on yet. */
export function initializeParams(clientInfo: { readonly name: string; readonly version: string }) {
  return { protocolVersion: REVISIONS[0], capabilities: {}, clientInfo };
}

/** Checks an InitializeResult. @throws StartError when there is no revision both speak (MCP 2025-11-25 basic/lifecycle#version-negotiation) */
export function readHello(result: unknown): Hello {
  const { protocolVersion, serverInfo, capabilities, instructions } = isRecord(result) ? result : {};
  if (typeof protocolVersion !== 'string')
    throw new StartError('bad_protocol', 'answered "initialize" without a protocol version');
  if (!REVISIONS.includes(protocolVersion)) {
    const theirs = printable(protocolVersion.slice(0, 40));
    throw new StartError(
      'bad_protocol',
      `speaks MCP ${theirs}, this agent speaks ${REVISIONS.join(', ')}: update one of them`,
    );
  }
  return {
    protocolVersion,
    serverInfo: bounded(serverInfo),
    capabilities: bounded(capabilities),
    ...(typeof instructions === 'string' ? { instructions: instructions.slice(0, INSTRUCTIONS_CHARACTERS) } : {}),
  };
}

function bounded(value: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return {};
  const length = jsonLength(value);
  return length === undefined || length > ABOUT_CHARACTERS ? {} : value;
}
