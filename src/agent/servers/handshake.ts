import { printable } from '../../log/printable.js';
import { jsonLength } from './bounds.js';
import { isRecord, modernKey } from './messages.js';
import { MODERN_REVISION } from './modern/envelope.js';
import { StartError } from './types.js';

/** Revisions of the legacy era, the newest first; the first is offered. */
export const REVISIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** Of `serverInfo` and of `capabilities`, as JSON text. */
const ABOUT_CHARACTERS = 256 * 1024;
const INSTRUCTIONS_CHARACTERS = 256 * 1024;

/** What a server says of itself, in `initialize` or in `server/discover`. */
export interface Hello {
  readonly era: 'legacy' | 'modern';
  readonly protocolVersion: string;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions?: string;
}

export function initializeParams(
  clientInfo: { readonly name: string; readonly version: string },
  capabilities: Readonly<Record<string, unknown>>,
) {
  return { protocolVersion: REVISIONS[0], capabilities, clientInfo };
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
  return { era: 'legacy', protocolVersion, ...about(serverInfo, capabilities, instructions) };
}

/** Reads a DiscoverResult (MCP 2026-07-28 server/discover); undefined when it is none, or not for the revision asked for. */
export function readDiscovery(result: unknown): Hello | undefined {
  const { supportedVersions, capabilities, instructions, _meta } = isRecord(result) ? result : {};
  if (!Array.isArray(supportedVersions) || !supportedVersions.includes(MODERN_REVISION)) return undefined;
  const serverInfo = isRecord(_meta) ? _meta[modernKey('serverInfo')] : undefined;
  return { era: 'modern', protocolVersion: MODERN_REVISION, ...about(serverInfo, capabilities, instructions) };
}

function about(serverInfo: unknown, capabilities: unknown, instructions: unknown) {
  return {
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
