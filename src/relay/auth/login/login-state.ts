import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import type { Store } from '../../store/store.js';
import { LoginError } from './login-error.js';
import type { Sealer } from './sealer.js';

/** How long a person may take at the provider. */
const LOGIN_SECONDS = 600;

/** The one property under which the strategy keeps what it must know at the callback. */
export const SESSION_KEY = 'login';

interface Sealed {
  readonly uid: string;
  readonly state: string;
  readonly session: unknown;
}

/**
 * What has to be remembered between the redirect to the provider and its answer: PKCE verifier, state, nonce and the
 * authorization request. Sealed into a cookie of its own, which binds the answer to this browser; the cookie is named
 * after the state, so that an agent and a client can sign in side by side.
 */
export class LoginState {
  constructor(
    private readonly sealer: Sealer,
    private readonly store: Store,
    private readonly cookie: { readonly path: string; readonly secure: boolean },
  ) {}

  /** `req.session` as passport expects it; what the strategy puts there goes into the cookie. */
  begin(req: Request, res: Response, uid: string, state: string): void {
    const session = {};
    Object.defineProperty(session, SESSION_KEY, {
      set: (value: unknown) => {
        const sealed: Sealed = { uid, state, session: value };
        res.cookie(cookieName(state), this.sealer.seal(sealed, LOGIN_SECONDS), {
          ...this.cookie,
          httpOnly: true,
          sameSite: 'lax',
          maxAge: LOGIN_SECONDS * 1000,
        });
      },
    });
    Object.defineProperty(req, 'session', { value: session, configurable: true });
  }

  /**
   * Opens what `begin` sealed, once. Returns the authorization request's uid.
   * Throws LoginError `state` for a state of another browser, an expired one, or one used before.
   */
  async resume(req: Request, res: Response, state: string | null): Promise<string> {
    if (state === null || state === '') throw new LoginError('state', 'an answer without a state');
    const name = cookieName(state);
    const sealed = this.sealer.open(cookieOf(req, name) ?? '');
    if (!isSealed(sealed) || sealed.state !== state) {
      throw new LoginError('state', 'an answer to a login that this browser did not begin, or that has expired');
    }
    res.clearCookie(name, { ...this.cookie, httpOnly: true, sameSite: 'lax' });
    // A browser that keeps the cookie must not use it twice either.
    if (!(await this.store.claim(`login:${digest(state)}`, true, { ttlSeconds: LOGIN_SECONDS }))) {
      throw new LoginError('state', 'an answer that has been used before', { uid: sealed.uid });
    }
    Object.defineProperty(req, 'session', { value: { [SESSION_KEY]: sealed.session }, configurable: true });
    return sealed.uid;
  }
}

function cookieName(state: string): string {
  return `login_${digest(state).slice(0, 16)}`;
}

function digest(state: string): string {
  return createHash('sha256').update(state).digest('base64url');
}

function isSealed(value: unknown): value is Sealed {
  return (
    typeof value === 'object' && value !== null && 'uid' in value && typeof value.uid === 'string' && 'state' in value
  );
}

/** The value of one cookie of the request, not decoded (ours are base64url). */
export function cookieOf(req: IncomingMessage, name: string): string | undefined {
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
