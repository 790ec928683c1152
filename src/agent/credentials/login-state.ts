import type { AgentConfig } from '../../config/config.js';
import { PrivatePathError } from '../../config/paths.js';
import { CredentialStore } from './store.js';

/** `unreadable`: the file is there and must not be used; `problem` says what to do. */
export type LoginStatus = 'logged_in' | 'login_expired' | 'not_logged_in' | 'unreadable';

export interface LoginState {
  readonly status: LoginStatus;
  readonly file: string;
  readonly account?: string;
  /** When the present access token expires, in milliseconds since the epoch; it is renewed by itself. */
  readonly expiresAt?: number;
  readonly problem?: string;
}

/** What the credentials on this machine say, without asking the relay. */
export async function loginState(config: AgentConfig): Promise<LoginState> {
  const store = new CredentialStore(config);
  const { file } = store;
  try {
    const credentials = await store.load();
    if (credentials === undefined) return { status: 'not_logged_in', file };
    const { account, expiresAt, refreshToken } = credentials;
    const ended = refreshToken === undefined && expiresAt <= Date.now();
    return {
      status: ended ? 'login_expired' : 'logged_in',
      file,
      expiresAt,
      ...(account === undefined ? {} : { account }),
    };
  } catch (error) {
    if (!(error instanceof PrivatePathError)) throw error;
    return { status: 'unreadable', file, problem: error.message };
  }
}
