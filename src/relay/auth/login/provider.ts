import {
  allowInsecureRequests,
  type ClientAuth,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  clockTolerance,
  discovery,
  None,
} from 'openid-client';
import type { OidcLoginConfig } from '../../../config/config.js';
import { isLoopbackLiteral } from '../../../config/urls.js';
import type { Logger } from '../../../log/logger.js';
import { LoginError } from './login-error.js';

/** Metadata is asked for again after this, so that a provider may move its endpoints while the relay runs. */
const METADATA_MS = 60 * 60_000;
const REQUEST_SECONDS = 10;
/** The relay's and the provider's clocks may differ by this much. */
const CLOCK_SECONDS = 60;

/** The OpenID provider at `auth.issuer`. Asked for its metadata at the first login, so the relay starts without it. */
export class LoginProvider {
  readonly #config: OidcLoginConfig;
  readonly #log: Logger;
  #known: { readonly until: number; readonly configuration: Promise<Configuration> } | undefined;

  constructor(config: OidcLoginConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  /** Throws LoginError `unreachable` or `misconfigured`; the next call then tries again. */
  configuration(): Promise<Configuration> {
    if (this.#known !== undefined && this.#known.until > Date.now()) return this.#known.configuration;
    const configuration = this.#discover();
    const known = { until: Date.now() + METADATA_MS, configuration };
    this.#known = known;
    configuration.catch((error: unknown) => {
      if (this.#known === known) this.#known = undefined;
      this.#log.warn('the sign-in provider cannot be used', { issuer: this.#config.issuer, reason: reasonOf(error) });
    });
    return configuration;
  }

  async #discover(): Promise<Configuration> {
    const issuer = new URL(this.#config.issuer);
    if (issuer.protocol !== 'https:' && !isLoopbackLiteral(issuer.hostname)) {
      throw new LoginError('misconfigured', 'auth.issuer has to start with https:// (http:// only on this machine)');
    }
    try {
      return await this.#discoverAt(issuer);
    } catch (error) {
      // `https://id.example.com/o/relay` written for an issuer that ends in a slash, or the other way round. The
      // document is the same one, and identity is taken from the ID token, so the spelling may be mended.
      if (!isIssuerMismatch(error)) throw failure(error);
      const other = new URL(issuer);
      other.pathname = other.pathname.endsWith('/') ? other.pathname.slice(0, -1) : `${other.pathname}/`;
      return await this.#discoverAt(other).catch((again: unknown) => {
        throw failure(again);
      });
    }
  }

  #discoverAt(issuer: URL): Promise<Configuration> {
    const { clientId, clientSecret } = this.#config;
    return discovery(issuer, clientId, { [clockTolerance]: CLOCK_SECONDS }, clientAuthentication(clientSecret), {
      timeout: REQUEST_SECONDS,
      execute: issuer.protocol === 'http:' ? [allowInsecureRequests] : [],
    });
  }
}

/** No secret: none. Else HTTP Basic where the provider lists it (or lists nothing: RFC 8414's default), else the body. */
function clientAuthentication(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None();
  const basic = ClientSecretBasic(secret);
  const post = ClientSecretPost(secret);
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const chosen = methods.includes('client_secret_basic') ? basic : post;
    chosen(server, client, body, headers);
  };
}

function isIssuerMismatch(error: unknown): boolean {
  return error instanceof ClientError && error.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED';
}

function failure(error: unknown): LoginError {
  const wrong = isIssuerMismatch(error)
    ? 'the provider calls itself by another issuer than auth.issuer'
    : error instanceof ClientError && error.code === 'OAUTH_RESPONSE_IS_NOT_CONFORM' && statusOf(error.cause) < 500
      ? 'there is no OpenID provider at auth.issuer'
      : undefined;
  return wrong === undefined
    ? new LoginError('unreachable', 'the provider did not answer', { cause: error })
    : new LoginError('misconfigured', wrong, { cause: error });
}

function statusOf(cause: unknown): number {
  return cause instanceof Response ? cause.status : 500;
}

/** What went wrong, with the causes that libraries nest; they name hosts and codes, never a secret. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  const cause = error.cause instanceof Error ? `: ${reasonOf(error.cause)}` : '';
  return `${error.message}${code}${cause}`;
}
