import type { CallHead } from '../../../protocol/call-messages.js';

/** What is known of the server whose answer is shaped. */
export interface ShapeSource {
  readonly era: 'legacy' | 'modern';
  /** Put into a legacy server's results for a modern client (2026-07-28 basic/index, "Meta"). Absent: left out. */
  readonly serverInfo?: Readonly<Record<string, unknown>>;
}

/** What one answer has to become. */
export interface Rules {
  /** A legacy server's answer to a modern client. */
  readonly toModern: boolean;
  /** A modern server's answer to a legacy client. */
  readonly toLegacy: boolean;
  /** The client's revision, where the answer may hold what that revision does not have. */
  readonly version: string | undefined;
  /** Given where several servers share the endpoint (protocol/uris.ts). */
  readonly uriKey: string | undefined;
}

/** Revisions are dates, so they compare as text. */
export const AUDIO_SINCE = '2025-03-26';
/** Structured output, resource links and titles. */
export const STRUCTURE_SINCE = '2025-06-18';
/** Icons, and tasks in `execution`. */
export const NEWEST_LEGACY = '2025-11-25';

export function rulesOf({ client }: CallHead, about: ShapeSource): Rules {
  const legacy = client.era === 'legacy';
  const older = legacy && (about.era === 'modern' || client.protocolVersion < NEWEST_LEGACY);
  return {
    toModern: !legacy && about.era === 'legacy',
    toLegacy: legacy && about.era === 'modern',
    version: older ? client.protocolVersion : undefined,
    uriKey: client.uriKey,
  };
}

/** The results that say how long they keep (2026-07-28 server/utilities/caching). */
export const CACHEABLE: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);
