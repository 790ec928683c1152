/** What the pages need beyond what CoreModule gives: config, public URL, store and logger. */
export interface WebOptions {
  /** What `relaySecret` gives, the same on every replica; keys for cookies and forms are derived from it. */
  readonly secret: Uint8Array;
}

/** Nest injection token for WebOptions. */
export const WEB_OPTIONS = Symbol('WebOptions');
