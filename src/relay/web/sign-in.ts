import type { Request, Response } from 'express';
import type { Logger } from '../../log/logger.js';
import type { Accounts } from '../auth/accounts/accounts.js';
import type { PendingAuthorization } from '../auth/interactions.js';
import type { SignedInAccount } from '../auth/login/identity.js';
import type { OidcLogin } from '../auth/login/oidc-login.js';
import type { FormCodes } from './form-codes.js';
import { PageError } from './page-error.js';
import { plainWords } from './pages/consent.js';
import type { Pages } from './pages/pages.js';
import type { RateLimits } from './rate-limits.js';

/** Where people sign in: at the provider of `auth.issuer`, or with the relay's own form. */
export abstract class SignIn {
  /** Asks this browser who it is. Writes the response. */
  abstract begin(req: Request, res: Response, pending: PendingAuthorization, at: string, other: boolean): Promise<void>;

  /** Checks the relay's own form. Undefined: refused, and the response is written. */
  abstract check(
    req: Request,
    res: Response,
    pending: PendingAuthorization,
    at: string,
    form: ReadonlyMap<string, string>,
  ): Promise<SignedInAccount | undefined>;
}

export class ProviderSignIn extends SignIn {
  constructor(private readonly login: OidcLogin) {
    super();
  }

  begin(req: Request, res: Response, pending: PendingAuthorization, _at: string, other: boolean): Promise<void> {
    return this.login.begin(req, res, pending.uid, other);
  }

  async check(): Promise<undefined> {
    throw new PageError('not_here');
  }
}

export class FormSignIn extends SignIn {
  constructor(
    private readonly accounts: Accounts,
    private readonly pages: Pages,
    private readonly codes: FormCodes,
    private readonly limits: RateLimits,
    private readonly log: Logger,
  ) {
    super();
  }

  begin(_req: Request, res: Response, pending: PendingAuthorization, at: string): Promise<void> {
    return this.#show(res, 200, pending, at, '', undefined);
  }

  async check(
    req: Request,
    res: Response,
    pending: PendingAuthorization,
    at: string,
    form: ReadonlyMap<string, string>,
  ): Promise<SignedInAccount | undefined> {
    await this.limits.signIn(req, res);
    const name = form.get('name') ?? '';
    const account = await this.accounts.verify(name, form.get('password') ?? '');
    if (account !== undefined) return account;
    // Without the name: people type passwords there.
    this.log.warn('a sign-in was refused', { address: req.ip });
    // One message for a wrong name and a wrong password.
    await this.#show(res, 403, pending, at, name, 'The name or the password is not right.');
    return undefined;
  }

  async #show(
    res: Response,
    status: number,
    pending: PendingAuthorization,
    at: string,
    name: string,
    problem: string | undefined,
  ): Promise<void> {
    this.pages.send(res, status, 'signIn', 'Sign in', {
      clientName: plainWords(pending.client.name) || plainWords(pending.client.id),
      retry: at,
      action: `${at}/sign-in`,
      csrf: this.codes.make(pending.uid),
      name,
      problem,
      hasOwner: await this.accounts.hasOwner(),
    });
  }
}
