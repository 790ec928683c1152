import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { auth, type OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type CallToolResult, CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';

/** Takes an authorization URL through a browser, up to and into the client's redirect URI. */
export type SignIn = (authorizationUrl: string) => Promise<unknown>;

interface ClientInformation {
  client_id: string;
  client_secret?: string;
}

interface Tokens {
  access_token: string;
  token_type: string;
  refresh_token?: string;
  expires_in?: number;
}

/**
 * An OAuth client as desktop MCP clients are: it registers, listens on loopback for the answer, and keeps all in memory.
 * Fits the provider interface of both SDKs and of @ai-sdk/mcp.
 */
export class MemoryOAuth implements AsyncDisposable {
  readonly clientMetadata;
  /** Parameters of the last redirect. */
  answer = new URLSearchParams();
  #client: ClientInformation | undefined;
  #tokens: Tokens | undefined;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;

  private constructor(
    readonly redirectUrl: string,
    private readonly signIn: SignIn,
    private readonly close: () => Promise<void>,
  ) {
    this.clientMetadata = {
      client_name: 'Test client',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  static async start(signIn: SignIn): Promise<MemoryOAuth> {
    const server = createServer((req, res) => {
      const { searchParams } = new URL(req.url ?? '/', 'http://127.0.0.1');
      if (searchParams.size > 0) provider.answer = searchParams;
      res.setHeader('content-type', 'text/html').end('<h1>signed in</h1>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const provider = new MemoryOAuth(`http://127.0.0.1:${address.port}/callback`, signIn, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return provider;
  }

  get code(): string {
    return this.answer.get('code') ?? '';
  }

  clientInformation(): ClientInformation | undefined {
    return this.#client;
  }

  saveClientInformation(client: ClientInformation): void {
    this.#client = client;
  }

  tokens(): Tokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: Tokens): void {
    this.#tokens = tokens;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  /** SDK v2 keeps here where it began, and refuses an answer of another server. */
  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    await this.signIn(url.href);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Tokens of a client that registered and that a person let in. */
export async function obtainTokens(endpoint: string, signIn: SignIn): Promise<Required<Tokens>> {
  await using provider = await MemoryOAuth.start(signIn);
  await auth(provider, { serverUrl: endpoint });
  await auth(provider, { serverUrl: endpoint, authorizationCode: provider.code });
  const { access_token = '', refresh_token = '', token_type = '', expires_in = 0 } = provider.tokens() ?? {};
  return { access_token, refresh_token, token_type, expires_in };
}

/** The client of SDK v1 with a token of its own, and short words for what tests do most. */
export class TestClient implements AsyncDisposable {
  private constructor(
    readonly sdk: Client,
    readonly transport: StreamableHTTPClientTransport,
  ) {}

  static async connect(endpoint: string, token: string): Promise<TestClient> {
    const sdk = new Client({ name: 'test', version: '1.0.0' });
    const requestInit = { headers: { Authorization: `Bearer ${token}` } };
    const transport = new StreamableHTTPClientTransport(new URL(endpoint), { requestInit });
    await sdk.connect(transport);
    return new TestClient(sdk, transport);
  }

  async names(): Promise<string[]> {
    return (await this.sdk.listTools()).tools.map(({ name }) => name).sort();
  }

  /** Resolves once the tools are listed that a test is about to call. */
  async listed(...names: readonly string[]): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const listed = await this.names();
      if (names.every((name) => listed.includes(name))) return;
      if (Date.now() > deadline) throw new Error(`listed: ${listed.join(', ')}; awaited: ${names.join(', ')}`);
      await setTimeout(50);
    }
  }

  call(name: string, args: Record<string, unknown> = {}, signal?: AbortSignal): Promise<CallToolResult> {
    return this.sdk.request({ method: 'tools/call', params: { name, arguments: args } }, CallToolResultSchema, {
      timeout: 120_000,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Text of a call's first block. */
  async text(name: string, args: Record<string, unknown> = {}): Promise<string> {
    return textOf(await this.call(name, args));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.sdk.close();
  }
}

export function textOf({ content }: CallToolResult): string {
  const [first] = content;
  return first?.type === 'text' ? first.text : '';
}
