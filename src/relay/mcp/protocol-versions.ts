/** Revisions with `initialize` and sessions, latest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

export type LegacyVersion = (typeof LEGACY_VERSIONS)[number];

/** The stateless revision. It is never the answer to `initialize`. */
export const MODERN_VERSION = '2026-07-28';

/** What every endpoint speaks, latest first; the same in `server/discover` as in the refusal of any other version. */
export const ALL_VERSIONS = [MODERN_VERSION, ...LEGACY_VERSIONS] as const;

export function isLegacyVersion(version: unknown): version is LegacyVersion {
  return LEGACY_VERSIONS.some((known) => known === version);
}

/** What `initialize` answers: the version asked for where it is known, else the latest with sessions. */
export function negotiate(requested: unknown): LegacyVersion {
  return isLegacyVersion(requested) ? requested : LEGACY_VERSIONS[0];
}

/** True when `version` has what came with revision `first`. */
export function since(version: string, first: LegacyVersion | typeof MODERN_VERSION): boolean {
  return version >= first;
}
