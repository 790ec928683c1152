import type { Request, Response } from 'express';
import {
  AuthorizationResponseError,
  ClientError,
  type Configuration,
  ResponseBodyError,
  randomNonce,
  randomState,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { Strategy } from 'openid-client/passport';
import { Passport } from 'passport';
import type { OidcLoginConfig } from '../../../config/config.js';
import type { Logger } from '../../../log/logger.js';
import type { Store } from '../../store/store.js';
import { identify, type SignedInAccount } from './identity.js';
import { LoginError, type LoginErrorCode } from './login-error.js';
import { LoginState, SESSION_KEY } from './login-state.js';
import { LoginProvider, reasonOf } from './provider.js';
import { Sealer } from './sealer.js';

export interface OidcLoginOptions {
  readonly config: OidcLoginConfig;
  /** Public URL of the relay without a trailing slash; `<publicUrl>/callback` is registered at the provider. */
  readonly publicUrl: string;
  readonly store: Store;
  /** What `relaySecret` gives, the same on every replica. */
  readonly secret: Uint8Array;
  readonly log: Logger;
}

/** Signing in at `auth.issuer` (OpenID Connect Core §3.1: code flow, with PKCE, state, nonce and RFC 9207's `iss`). */
export class OidcLogin {
  readonly #config: OidcLoginConfig;
  readonly #callbackUrl: URL;
  readonly #log: Logger;
  readonly #provider: LoginProvider;
  readonly #state: LoginState;
  readonly #passport = new Passport();

  constructor(options: OidcLoginOptions) {
    this.#config = options.config;
    this.#callbackUrl = new URL(`${options.publicUrl}/callback`);
    this.#log = options.log;
    this.#provider = new LoginProvider(options.config, options.log);
    this.#state = new LoginState(new Sealer(options.secret, 'login state'), options.store, {
      path: this.#callbackUrl.pathname,
      secure: this.#callbackUrl.protocol === 'https:',
    });
  }

  /**
   * Sends the browser to the provider. `anotherAccount`: the provider is asked to offer a choice.
   * Throws LoginError `unreachable` or `misconfigured`.
   */
  async begin(req: Request, res: Response, uid: string, anotherAccount: boolean): Promise<void> {
    const configuration = await this.#provider.configuration().catch((error: unknown) => {
      throw asLoginError(error).at(uid);
    });
    const state = randomState();
    const params = { scope: this.#config.scopes.join(' '), state, nonce: randomNonce() };
    if (anotherAccount) Object.assign(params, { prompt: choicePrompt(configuration) });
    this.#state.begin(req, res, uid, state);
    const strategy = new LoginStrategy(configuration, this.#callbackUrl, params, this.#config);
    await this.#run(strategy, req, res);
  }

  /**
   * Handles the provider's answer at /callback. Nothing of the provider's tokens is kept.
   * Throws LoginError, with the `uid` of the authorization request where it is known.
   */
  async complete(req: Request, res: Response): Promise<{ readonly uid: string; readonly account: SignedInAccount }> {
    const query = new URL(req.originalUrl, this.#callbackUrl).searchParams;
    const uid = await this.#state.resume(req, res, query.get('state'));
    try {
      const configuration = await this.#provider.configuration();
      const strategy = new LoginStrategy(configuration, this.#callbackUrl, undefined, this.#config);
      const account = await this.#run(strategy, req, res);
      if (account === undefined) throw new LoginError('provider', 'the login ended without an account');
      return { uid, account };
    } catch (error) {
      const failure = asLoginError(error).at(uid);
      // Whom `auth.allow` turned away is what its owner looks for here.
      this.#log.warn('a login at the provider failed', {
        code: failure.code,
        reason: failure.message,
        ...(failure.account === undefined ? {} : { account: failure.account }),
      });
      throw failure;
    }
  }

  /** Resolves with the account, or with nothing once the browser has been redirected. */
  #run(strategy: LoginStrategy, req: Request, res: Response): Promise<SignedInAccount | undefined> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, user: unknown, info: unknown): void => {
        if (error) reject(asLoginError(error));
        else if (isAccount(user)) resolve(user);
        else reject(new LoginError('cancelled', cancelled(info)));
      };
      // After the redirect, and also when the browser has gone away.
      res.once('close', () => resolve(undefined));
      this.#passport.authenticate(strategy, { session: false }, done)(req, res, (error: unknown) =>
        done(error, false, {}),
      );
    });
  }
}

/**
 * One login. Passport writes its callbacks onto a strategy given as an object, so an instance must never serve two
 * requests: they would end as each other's user.
 */
class LoginStrategy extends Strategy {
  constructor(
    configuration: Configuration,
    private readonly callbackUrl: URL,
    private readonly begin: Readonly<Record<string, string>> | undefined,
    config: OidcLoginConfig,
  ) {
    super({ config: configuration, callbackURL: callbackUrl, sessionKey: SESSION_KEY }, (tokens, verified) => {
      identify(tokens, configuration, config).then(
        (account) => verified(null, account),
        (error: unknown) => verified(error),
      );
    });
  }

  override authorizationRequestParams(): URLSearchParams {
    return new URLSearchParams(this.begin);
  }

  /** Never from the request's Host header. */
  override currentUrl(req: Request): URL {
    const url = new URL(this.callbackUrl);
    url.search = new URL(req.originalUrl, this.callbackUrl).search;
    return url;
  }

  /** Decided by the route, not by what somebody put into the query. */
  override shouldInitiateAuthRequest(): boolean {
    return this.begin !== undefined;
  }
}

/**
 * `select_account` offers a choice, where the provider says it knows it; Google does and does not say so. Every provider
 * has to know `login` (OpenID Connect Core §15.1), and some refuse a value they do not know.
 */
function choicePrompt(configuration: Configuration): string {
  const { issuer, prompt_values_supported: supported } = configuration.serverMetadata();
  const offers =
    issuer === 'https://accounts.google.com' || (Array.isArray(supported) && supported.includes('select_account'));
  return offers ? 'select_account' : 'login';
}

function isAccount(user: unknown): user is SignedInAccount {
  return typeof user === 'object' && user !== null && 'userId' in user && 'displayName' in user;
}

function cancelled(info: unknown): string {
  return typeof info === 'object' && info !== null && 'message' in info ? String(info.message) : 'login refused';
}

function asLoginError(error: unknown): LoginError {
  if (error instanceof LoginError) return error;
  const say = (code: LoginErrorCode, message: string) => new LoginError(code, message, { cause: error });
  if (error instanceof AuthorizationResponseError) {
    return say('provider', `the provider answered ${error.error}: ${error.error_description ?? 'no reason given'}`);
  }
  // RFC 6749 §5.2: a provider answers a client it does not accept with a challenge or with `invalid_client`.
  if (
    error instanceof WWWAuthenticateChallengeError ||
    (error instanceof ResponseBodyError && isClientRefused(error))
  ) {
    return say('misconfigured', 'the provider does not accept auth.clientId with auth.clientSecret (or with none)');
  }
  if (error instanceof ResponseBodyError) {
    return say('provider', `the provider answered ${error.error}: ${error.error_description ?? 'no reason given'}`);
  }
  if (error instanceof TypeError || (error instanceof ClientError && error.code === 'OAUTH_TIMEOUT')) {
    return say('unreachable', `the provider did not answer: ${reasonOf(error)}`);
  }
  return say('provider', `the provider's answer was refused: ${reasonOf(error)}`);
}

function isClientRefused(error: ResponseBodyError): boolean {
  return error.error === 'invalid_client' || error.error === 'unauthorized_client';
}
