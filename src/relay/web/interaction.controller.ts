import { Controller, Get, Inject, Param, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import type { Request, Response } from 'express';
import { INTERACTIONS, InteractionError, type Interactions, type PendingAuthorization } from '../auth/interactions.js';
import { PUBLIC_URL } from '../tokens.js';
import { formOf } from './form.js';
import { FormCodes } from './form-codes.js';
import { interactionPath, OutcomeCookie } from './outcome-cookie.js';
import { PageError } from './page-error.js';
import { PageExceptionFilter } from './page-exception.filter.js';
import { clientHostOf, destinationOf, narrowedTo, permissionsOf, plainWords } from './pages/consent.js';
import { Pages } from './pages/pages.js';
import { RateLimits } from './rate-limits.js';
import { SignIn } from './sign-in.js';

/** Nothing is ticked for the person that the client has not asked for. */
const boxes = { asked: 'checked', offered: 'unchecked', none: undefined } as const;

/**
 * What a person meets between /authorize (or /device) and the way back to the client, in this order: consent, sign-in, end.
 * Which of them is due is decided from the authorization request itself, so that reload and back do no harm.
 */
@Controller('interaction/:uid')
@UseFilters(PageExceptionFilter)
export class InteractionController {
  constructor(
    @Inject(INTERACTIONS) private readonly interactions: Interactions,
    @Inject(PUBLIC_URL) private readonly publicUrl: string,
    private readonly pages: Pages,
    private readonly limits: RateLimits,
    private readonly codes: FormCodes,
    private readonly outcomes: OutcomeCookie,
    private readonly signIn: SignIn,
  ) {}

  @Get()
  async show(
    @Req() req: Request,
    @Res() res: Response,
    @Param('uid') uid: string,
    @Query('account') choice: unknown,
  ): Promise<void> {
    await this.limits.page(req, res);
    const pending = await this.#pending(req, res, uid);
    const other = choice === 'other';
    if (!pending.consented) return this.#askConsent(res, pending, other);
    if (pending.account !== undefined && !other) return this.interactions.finish(req, res, pending.account);
    return this.signIn.begin(req, res, pending, this.#at(uid), other);
  }

  @Post()
  async decide(@Req() req: Request, @Res() res: Response, @Param('uid') uid: string): Promise<void> {
    await this.limits.page(req, res);
    const form = await formOf(req, res);
    const pending = await this.#pending(req, res, uid);
    if (!this.codes.check(uid, form.get('csrf'))) throw new PageError('foreign_form');
    switch (form.get('decision')) {
      case 'allow':
        await this.interactions.approve(req, res, form.get('manage') === 'yes');
        return this.#goOn(res, form.get('account') === 'other' ? `${this.#at(uid)}?account=other` : this.#at(uid));
      case 'deny':
        this.outcomes.set(res, pending.uid, { kind: 'denied' });
        return this.#goOn(res, `${this.#at(uid)}/end`);
      default:
        throw new PageError('bad_form');
    }
  }

  /** The relay's own sign-in form; there is none where a provider signs people in. */
  @Post('sign-in')
  async enter(@Req() req: Request, @Res() res: Response, @Param('uid') uid: string): Promise<void> {
    await this.limits.page(req, res);
    const form = await formOf(req, res);
    const pending = await this.#pending(req, res, uid);
    if (!this.codes.check(uid, form.get('csrf'))) throw new PageError('foreign_form');
    if (!pending.consented) throw new InteractionError('not_approved');
    const account = await this.signIn.check(req, res, pending, this.#at(uid), form);
    if (account === undefined) return;
    this.outcomes.set(res, uid, { kind: 'signed_in', account });
    return this.#goOn(res, `${this.#at(uid)}/end`);
  }

  @Get('end')
  async end(@Req() req: Request, @Res() res: Response, @Param('uid') uid: string): Promise<void> {
    await this.limits.page(req, res);
    await this.#pending(req, res, uid);
    const outcome = this.outcomes.take(req, res, uid);
    // Reloaded, or too late: the request itself says what is due.
    if (outcome === undefined) return res.redirect(303, this.#at(uid));
    if (outcome.kind === 'denied') return this.interactions.deny(req, res);
    return this.interactions.finish(req, res, outcome.account);
  }

  async #pending(req: Request, res: Response, uid: string): Promise<PendingAuthorization> {
    const pending = await this.interactions.pending(req, res);
    if (pending.uid !== uid) throw new InteractionError('missing');
    return pending;
  }

  #askConsent(res: Response, pending: PendingAuthorization, other: boolean): void {
    const { client, account } = pending;
    const clientName = plainWords(client.name) || plainWords(client.id);
    const agent = client.kind === 'agent';
    const destination = destinationOf(client);
    this.pages.send(res, 200, 'consent', agent ? 'Connect this device?' : `Allow ${clientName}?`, {
      agent,
      clientName,
      clientHost: clientHostOf(client),
      redirectHost: destination === 'app' ? client.redirectHost?.replace(/:?$/, ':') : client.redirectHost,
      destination,
      device: pending.device,
      permissions: permissionsOf(pending.scopes, narrowedTo(pending.resource, this.publicUrl)),
      manage: boxes[pending.manage],
      account: other || account === undefined ? undefined : account.displayName,
      switchUrl: `${this.#at(pending.uid)}?account=other`,
      action: this.#at(pending.uid),
      csrf: this.codes.make(pending.uid),
      anotherAccount: other,
    });
  }

  #goOn(res: Response, continueTo: string): void {
    this.pages.send(res, 200, 'continue', 'One moment', { continueTo });
  }

  #at(uid: string): string {
    return interactionPath(this.publicUrl, uid);
  }
}
