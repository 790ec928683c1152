import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';

const CLIENT_ID = 'mcp-local-tunnel-agent';

/** How the person at the stand-in's sign-in page behaves. */
export type Person = 'allows' | 'declines' | 'waits';

/**
 * The authorization side of a relay, on a standard provider: metadata, an authorization endpoint whose person answers at
 * once, tokens that rotate, revocation, and `/ws` that tells good tokens from bad ones.
 */
export class RelayStandIn implements AsyncDisposable {
  person: Person = 'allows';
  /** Seconds an access token lives. */
  tokenSeconds = 3600;
  /** While set, the token endpoint answers so. */
  tokenStatus: number | undefined;
  /** Changes a metadata document on its way out. */
  tamper: (path: string, document: Record<string, unknown>) => unknown = (_path, document) => document;
  readonly tokenRequests: string[] = [];
  readonly authorizations: URLSearchParams[] = [];
  readonly #server = createServer((req, res) => void this.#serve(req, res));
  #provider: Provider | undefined;

  static async start(): Promise<RelayStandIn> {
    const relay = new RelayStandIn();
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    relay.#provider = relay.#createProvider();
    return relay;
  }

  get origin(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Whether a refresh token could still be used. */
  async accepts(refreshToken: string | undefined): Promise<boolean> {
    const found = refreshToken === undefined ? undefined : await this.#provider?.RefreshToken.find(refreshToken);
    return found !== undefined && found.consumed === undefined;
  }

  /** Forgets everything that was ever granted. */
  forgetGrants(): void {
    this.#provider = this.#createProvider();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #createProvider(): Provider {
    const resource = `${this.origin}/ws`;
    const provider = new Provider(this.origin, {
      clients: [
        {
          client_id: CLIENT_ID,
          application_type: 'native',
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          redirect_uris: ['http://127.0.0.1/callback'],
        },
      ],
      cookies: { keys: [randomBytes(16).toString('hex')] },
      scopes: ['tunnel'],
      routes: { revocation: '/revoke', token: '/token', authorization: '/authorize' },
      features: {
        devInteractions: { enabled: false },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({
            scope: 'tunnel',
            audience: resource,
            accessTokenTTL: this.tokenSeconds,
            accessTokenFormat: 'opaque',
          }),
          useGrantedResource: () => false,
        },
      },
      pkce: { required: () => true },
      issueRefreshToken: () => true,
      rotateRefreshToken: true,
      interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    });
    return provider;
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const provider = this.#provider;
    if (provider === undefined) return;
    const url = new URL(req.url ?? '', this.origin);
    if (url.pathname === '/healthz') return json(res, 200, { status: 'ok' });
    if (url.pathname === '/.well-known/oauth-protected-resource/ws') {
      const document = { resource: `${this.origin}/ws`, authorization_servers: [this.origin] };
      return json(res, 200, this.tamper(url.pathname, document));
    }
    if (url.pathname === '/.well-known/oauth-authorization-server') {
      return json(res, 200, this.tamper(url.pathname, this.#metadata()));
    }
    if (url.pathname === '/ws') return this.#tunnel(req, res);
    if (url.pathname.startsWith('/interaction/')) return this.#interact(provider, req, res);
    if (url.pathname === '/token') {
      this.tokenRequests.push(req.method ?? '');
      if (this.tokenStatus !== undefined) return json(res, this.tokenStatus, { error: 'server_error' });
    }
    if (url.pathname === '/authorize') this.authorizations.push(url.searchParams);
    await provider.callback()(req, res);
  }

  #metadata(): Record<string, unknown> {
    return {
      issuer: this.origin,
      authorization_endpoint: `${this.origin}/authorize`,
      token_endpoint: `${this.origin}/token`,
      revocation_endpoint: `${this.origin}/revoke`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    };
  }

  async #interact(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (this.person === 'waits') return html(res, 'sign in');
    if (this.person === 'declines') {
      return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'declined' });
    }
    const grant = new provider.Grant({ accountId: 'anna', clientId: CLIENT_ID });
    grant.addOIDCScope('tunnel');
    grant.addResourceScope(`${this.origin}/ws`, 'tunnel');
    const grantId = await grant.save();
    await provider.interactionFinished(req, res, { login: { accountId: 'anna' }, consent: { grantId } });
  }

  async #tunnel(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];
    const known = token === undefined ? undefined : await this.#provider?.AccessToken.find(token);
    json(res, known === undefined ? 401 : 426, {});
  }
}

/**
 * A browser that opens `url`, keeps cookies and follows redirects: to the end, or up to the first address that matches
 * `unreachable`, which it does not open.
 */
export async function browse(url: string, unreachable?: RegExp): Promise<{ url: URL; body: string; status: number }> {
  const cookies = new Map<string, string>();
  let next = new URL(url);
  for (let hops = 0; hops < 20; hops++) {
    if (unreachable?.test(next.href)) return { url: next, body: '', status: 0 };
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(next, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) return { url: next, body: await response.text(), status: response.status };
    next = new URL(location, next);
  }
  throw new Error('too many redirects');
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function html(res: ServerResponse, body: string): void {
  res.writeHead(200, { 'content-type': 'text/html' }).end(body);
}
