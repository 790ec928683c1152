import type { Environment } from './environment.js';

/** What a config means beyond its text. */
export interface DecodeContext {
  readonly env: Environment;
  /** Folder that relative paths start from. */
  readonly folder: string;
  /** The config's file with symbolic links resolved; absent when the text came from the environment. */
  readonly file?: string;
  /** Plain http to a relay elsewhere is allowed. */
  readonly insecure: boolean;
  readonly stateDir: string;
}
