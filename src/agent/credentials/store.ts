import type { AgentConfig } from '../../config/config.js';
import {
  ensureStateDirs,
  readPrivateFile,
  removePrivateFile,
  statePaths,
  writePrivateFile,
} from '../../config/paths.js';

/** Tokens of one login. Times are milliseconds since the epoch by this machine's clock. */
export interface Credentials {
  /** The relay's origin; tokens are never sent to another one. */
  readonly relay: string;
  /** Who logged in, as the relay names them. */
  readonly account?: string;
  readonly accessToken: string;
  readonly obtainedAt: number;
  readonly expiresAt: number;
  /** Absent once the relay has refused it: the login is over. */
  readonly refreshToken?: string;
}

/** The login of one profile at one relay, in a private file. */
export class CredentialStore {
  readonly file: string;
  readonly #config: AgentConfig;

  constructor(config: AgentConfig) {
    this.#config = config;
    this.file = statePaths(config).credentials;
  }

  /** The login, or undefined when there is none for this relay. A damaged file counts as none. @throws PrivatePathError */
  async load(): Promise<Credentials | undefined> {
    const text = await readPrivateFile(this.file);
    const credentials = text === undefined ? undefined : decode(text);
    return credentials?.relay === this.#config.relay ? credentials : undefined;
  }

  /** @throws PrivatePathError */
  async save(credentials: Credentials): Promise<void> {
    await ensureStateDirs(this.#config);
    await writePrivateFile(this.file, JSON.stringify(credentials));
  }

  /** @throws PrivatePathError */
  async delete(): Promise<void> {
    await removePrivateFile(this.file);
  }

  /** Runs `task` while no other process changes this login. */
  async exclusively<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    const { lock } = await ensureStateDirs(this.#config);
    // Loaded here: what only looks at a login does not pay for locks.
    const { withFileLock } = await import('./file-lock.js');
    return withFileLock(`${lock}-login`, signal, task);
  }
}

function decode(text: string): Credentials | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { relay, account, accessToken, obtainedAt, expiresAt, refreshToken }: Record<string, unknown> = { ...value };
  if (typeof relay !== 'string' || typeof accessToken !== 'string') return undefined;
  if (typeof obtainedAt !== 'number' || typeof expiresAt !== 'number') return undefined;
  return {
    relay,
    accessToken,
    obtainedAt,
    expiresAt,
    ...(typeof account === 'string' ? { account } : {}),
    ...(typeof refreshToken === 'string' ? { refreshToken } : {}),
  };
}
