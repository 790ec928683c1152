import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { InteractionError, type Interactions, type PendingAuthorization } from '../interactions.js';
import { MANAGE_SCOPE, type Resources } from '../resources.js';
import { AGENT_CLIENT_ID } from './agent-client.js';
import { ApprovalCookie } from './approval-cookie.js';
import { canManage, openidScopes } from './authorize-request.js';
import { describeDevice } from './device-flow.js';
import type { DisplayNames } from './display-names.js';
import type { OidcProvider } from './load.js';
import { type Client, describeClient } from './pending-client.js';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

export interface InteractionParts {
  readonly provider: Provider;
  readonly lib: OidcProvider;
  readonly names: DisplayNames;
  readonly resources: Resources;
  /** Someone let this client in; it is worth keeping. */
  readonly clientApproved: (client: Client) => Promise<void>;
}

/** Interactions on oidc-provider's own record, which a signed cookie binds to one browser. */
export class ProviderInteractions implements Interactions {
  readonly #approval: ApprovalCookie;

  constructor(private readonly parts: InteractionParts) {
    this.#approval = new ApprovalCookie(parts.resources.issuer.startsWith('https:'));
  }

  async pending(req: IncomingMessage, res: ServerResponse): Promise<PendingAuthorization> {
    const interaction = await this.#details(req, res);
    const { clientId, redirectUri, resource, scopes } = readParams(interaction);
    const asked = scopes.includes(MANAGE_SCOPE) ? 'asked' : 'offered';
    const client = await this.#client(clientId);
    const account = await this.#account(interaction);
    const device = await this.#device(interaction);
    if (device === undefined && redirectUri === undefined) throw new InteractionError('expired');
    return {
      uid: interaction.uid,
      client: describeClient(client, redirectUri),
      ...(device === undefined ? {} : { device }),
      scopes: [clientId === AGENT_CLIENT_ID ? 'tunnel' : 'mcp'],
      manage: this.#canManage(resource) ? asked : 'none',
      resource,
      consented: this.#isApproved(req, interaction),
      ...(account === undefined ? {} : { account }),
    };
  }

  async approve(req: IncomingMessage, res: ServerResponse, manage: boolean): Promise<void> {
    const { uid } = await this.#details(req, res);
    const approved = this.#approval.give(req, res, uid);
    await this.parts.provider.interactionResult(req, res, { approved, manage }, { mergeWithLastSubmission: false });
  }

  async deny(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { uid } = await this.#details(req, res);
    this.#approval.forget(res, uid);
    const refusal = { error: 'access_denied', error_description: 'the user refused' };
    await this.parts.provider.interactionFinished(req, res, refusal, { mergeWithLastSubmission: false });
  }

  async finish(
    req: IncomingMessage,
    res: ServerResponse,
    account: { readonly userId: string; readonly displayName: string },
  ): Promise<void> {
    const interaction = await this.#details(req, res);
    if (!this.#isApproved(req, interaction)) throw new InteractionError('not_approved');
    this.#approval.forget(res, interaction.uid);
    await this.parts.names.remember(account.userId, account.displayName);
    await this.#switchAccount(req, res, interaction, account.userId);
    const grantId = await this.#grant(interaction, account.userId);
    const result = { login: { accountId: account.userId }, consent: { grantId } };
    await this.parts.provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
  }

  async #grant(interaction: Interaction, accountId: string): Promise<string> {
    const { clientId, resource, scopes } = readParams(interaction);
    const manage = interaction.result?.manage === true && this.#canManage(resource);
    const grant = new this.parts.provider.Grant({ accountId, clientId });
    const openid = scopes.filter((scope) => openidScopes.includes(scope));
    if (openid.length > 0) grant.addOIDCScope(openid.join(' '));
    grant.addResourceScope(resource, clientId === AGENT_CLIENT_ID ? 'tunnel' : 'mcp');
    if (manage) {
      grant.addResourceScope(resource, MANAGE_SCOPE);
      await this.#ask(interaction, MANAGE_SCOPE);
    }
    await this.parts.clientApproved(await this.#client(clientId));
    return grant.save();
  }

  /** A code has what was both asked for and granted; what the person adds was asked for, then (RFC 6749 §3.3). */
  async #ask(interaction: Interaction, scope: string): Promise<void> {
    const { scopes } = readParams(interaction);
    if (scopes.includes(scope)) return;
    interaction.params = { ...interaction.params, scope: [...scopes, scope].join(' ') };
    await interaction.persist();
  }

  #canManage(resource: string): boolean {
    return canManage(this.parts.resources.parse(resource));
  }

  #isApproved(req: IncomingMessage, { uid, result }: Interaction): boolean {
    return this.#approval.matches(req, uid, result?.approved);
  }

  /** The machine whose code was typed in, where that began this authorization. */
  async #device({ deviceCode }: Interaction): Promise<PendingAuthorization['device']> {
    if (deviceCode === undefined) return undefined;
    const code = await this.parts.provider.DeviceCode.find(deviceCode);
    if (code === undefined) throw new InteractionError('expired');
    return describeDevice(code.userCode, code.deviceInfo);
  }

  async #client(clientId: string): Promise<Client> {
    const client = await this.parts.provider.Client.find(clientId);
    if (client === undefined) throw new InteractionError('expired');
    return client;
  }

  /** The authorization whose page this is, by this browser's cookie. */
  async #details(req: IncomingMessage, res: ServerResponse): Promise<Interaction> {
    const { provider, lib } = this.parts;
    if (!req.headers.cookie?.includes(`${provider.cookieName('interaction')}=`)) throw new InteractionError('missing');
    let interaction: Interaction;
    try {
      interaction = await provider.interactionDetails(req, res);
    } catch (error) {
      if (error instanceof lib.errors.SessionNotFound) throw new InteractionError('expired');
      throw error;
    }
    const shown = /^\/interaction\/([^/?#]+)/.exec(originalUrl(req))?.[1];
    if (shown !== undefined && shown !== interaction.uid) throw new InteractionError('expired');
    return interaction;
  }

  /**
   * Someone else signs in at this browser, or has done so in another tab: the session becomes theirs. oidc-provider
   * would put a log-out page of its own between.
   */
  async #switchAccount(
    req: IncomingMessage,
    res: ServerResponse,
    interaction: Interaction,
    userId: string,
  ): Promise<void> {
    const { provider } = this.parts;
    const session = await provider.Session.get(provider.createContext(req, res));
    if (session.accountId === undefined || session.accountId === userId) return;
    session.authorizations = {};
    session.loginAccount({ accountId: userId });
    await session.persist();
    if (interaction.session === undefined) return;
    interaction.session = { ...interaction.session, accountId: userId };
    await interaction.persist();
  }

  async #account(interaction: Interaction): Promise<PendingAuthorization['account']> {
    const userId = interaction.session?.accountId;
    if (userId === undefined) return undefined;
    return { userId, displayName: await this.parts.names.of(userId) };
  }
}

function readParams({ params }: Interaction) {
  const { client_id: clientId, redirect_uri: redirectUri, scope } = params;
  const [resource] = [params.resource].flat();
  if (typeof clientId !== 'string' || typeof resource !== 'string') throw new InteractionError('expired');
  return {
    clientId,
    redirectUri: typeof redirectUri === 'string' ? redirectUri : undefined,
    resource,
    scopes: typeof scope === 'string' ? scope.split(' ') : [],
  };
}

/** Express keeps the whole URL here when a router below a prefix has shortened `url`. */
function originalUrl(req: IncomingMessage): string {
  return 'originalUrl' in req && typeof req.originalUrl === 'string' ? req.originalUrl : (req.url ?? '');
}
