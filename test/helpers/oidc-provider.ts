import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair } from 'jose';
import { type Configuration, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { freePort } from '../../scripts/demo/free-port.mjs';

/** A person who can sign in at the test provider; `claims.sub` defaults to the name. */
interface ProviderAccount {
  readonly password: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface OidcProviderOptions {
  readonly clientId?: string;
  /** Absent with `clientAuth: 'none'`. */
  readonly clientSecret?: string;
  readonly clientAuth?: 'basic' | 'post' | 'none';
  /** Path of the issuer, e.g. `/tenant-a/v2.0` or, as Authentik does, `/application/o/relay/`. */
  readonly path?: string;
  /** True: the issuer is the bare origin with a slash at its end, as Auth0's is. */
  readonly trailingSlash?: boolean;
  readonly accounts?: Readonly<Record<string, ProviderAccount>>;
  /** Where claims of a scope are given out; OpenID Connect Core §5.4 says UserInfo, most providers say the ID token. */
  readonly claimsIn?: 'id_token' | 'userinfo';
  /** Scopes beyond openid, profile and email, with the claims each of them gives. */
  readonly scopes?: Readonly<Record<string, readonly string[]>>;
  /** 0: any free one. */
  readonly port?: number;
}

export interface TestOidcProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly accounts: Map<string, ProviderAccount>;
  /** The query of every request at the authorization endpoint, oldest first. */
  readonly authorizationRequests: URLSearchParams[];
  /** How the client authenticated at the token endpoint, oldest first. */
  readonly tokenRequests: ('basic' | 'post' | 'none')[];
  /** Every response of the token endpoint passes through here; a test may break it. */
  tamper: (tokenResponse: Record<string, unknown>) => void;
  /** Registers one more redirect URI of the client (exact match). */
  allowRedirect(uri: string): void;
  /** Stops listening; the port stays known to `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** A real OpenID provider on loopback with a form for name and password; its own consent is granted without asking. */
export async function startOidcProvider(options: OidcProviderOptions = {}): Promise<TestOidcProvider> {
  const accounts = new Map(
    Object.entries(
      options.accounts ?? { alice: { password: 'correct horse', claims: { email: 'alice@example.com' } } },
    ),
  );
  const clientId = options.clientId ?? 'mcp-local-tunnel';
  const clientAuth = options.clientAuth ?? (options.clientSecret === undefined ? 'none' : 'basic');
  const clientSecret =
    clientAuth === 'none' ? undefined : (options.clientSecret ?? 'a secret: with / odd + characters?');
  const redirectUris = new Set<string>();
  const authorizationRequests: URLSearchParams[] = [];
  const tokenRequests: ('basic' | 'post' | 'none')[] = [];

  let handle: (req: IncomingMessage, res: ServerResponse) => void = (_req, res) => res.writeHead(503).end();
  const server = createServer((req, res) => handle(req, res));
  const listen = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the provider has no port');
    return address.port;
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const port = await listen(options.port ?? (await freePort()));
  const origin = `http://127.0.0.1:${port}`;
  const issuer = `${origin}${options.path ?? (options.trailingSlash ? '/' : '')}`;
  const mount = (options.path ?? '').replace(/\/$/, '');

  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const configuration: Configuration = {
    clients: [
      {
        client_id: clientId,
        ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
        // Replaced by `redirectUriAllowed` below: a test knows its relay's port only later.
        redirect_uris: ['https://relay.invalid/callback'],
        token_endpoint_auth_method: clientAuth === 'none' ? 'none' : `client_secret_${clientAuth}`,
      },
    ],
    clientAuthMethods: [clientAuth === 'none' ? 'none' : `client_secret_${clientAuth}`],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: 'test' }] },
    cookies: { keys: ['a cookie key of the test provider'] },
    conformIdTokenClaims: options.claimsIn === 'userinfo',
    scopes: ['openid', 'profile', 'email', ...Object.keys(options.scopes ?? {})],
    claims: {
      openid: ['sub', 'oid', 'tid', 'is_admin'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      ...Object.fromEntries(Object.entries(options.scopes ?? {}).map(([scope, claims]) => [scope, [...claims]])),
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx: KoaContextWithOIDC, interaction) => `${mount}/sign-in/${interaction.uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, ...accounts.get(id)?.claims }),
    }),
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, IdToken: 600, AccessToken: 600, AuthorizationCode: 60 },
  };
  const provider = new Provider(issuer, configuration);
  Object.defineProperty(provider.Client.prototype, 'redirectUriAllowed', {
    value: (uri: string) => redirectUris.has(uri),
  });
  provider.use(async (ctx, next) => {
    if (ctx.path === '/auth') authorizationRequests.push(new URLSearchParams(ctx.querystring));
    await next();
    if (ctx.path !== '/token') return;
    const body: unknown = ctx.oidc?.body;
    const byPost = typeof body === 'object' && body !== null && 'client_secret' in body;
    tokenRequests.push(ctx.get('authorization') !== '' ? 'basic' : byPost ? 'post' : 'none');
    if (ctx.status === 200 && typeof ctx.body === 'object') result.tamper(ctx.body);
  });
  const protocol = provider.callback();

  const signIn = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const interaction = await provider.interactionDetails(req, res);
    const form = new URLSearchParams(req.method === 'POST' ? await text(req) : '');
    const name = form.get('name') ?? '';
    const account = accounts.get(name);
    if (account === undefined || account.password !== form.get('password')) {
      res.writeHead(req.method === 'POST' ? 403 : 200, { 'content-type': 'text/html; charset=utf-8' });
      res.end(`<!doctype html><title>Test provider</title><h1>Sign in at the test provider</h1>
        <form method="post"><input name="name" autofocus><input name="password" type="password"><button>Sign in</button>
        </form><a href="${mount}/sign-in/${interaction.uid}/cancel">Cancel</a>`);
      return;
    }
    const grant = new provider.Grant({ accountId: name, clientId });
    grant.addOIDCScope(String(interaction.params.scope));
    const grantId = await grant.save();
    await provider.interactionFinished(req, res, { login: { accountId: name }, consent: { grantId } });
  };
  const cancel = (req: IncomingMessage, res: ServerResponse): Promise<void> =>
    provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'the person said no' });

  handle = (req, res) => {
    const url = req.url ?? '/';
    if (!url.startsWith(mount)) {
      res.writeHead(404).end();
      return;
    }
    const fail = (error: Error) => res.writeHead(400).end(error.message);
    if (url.startsWith(`${mount}/sign-in/`)) {
      (url.endsWith('/cancel') ? cancel(req, res) : signIn(req, res)).catch(fail);
      return;
    }
    // What Express does for a mounted application; the provider builds its URLs from it.
    Object.assign(req, { originalUrl: url, baseUrl: mount });
    req.url = url.slice(mount.length) || '/';
    protocol(req, res).catch(fail);
  };

  const result: TestOidcProvider = {
    issuer,
    clientId,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    accounts,
    authorizationRequests,
    tokenRequests,
    tamper: () => undefined,
    allowRedirect: (uri) => void redirectUris.add(uri),
    stop,
    start: async () => void (await listen(port)),
    close: stop,
    [Symbol.asyncDispose]: stop,
  };
  return result;
}
