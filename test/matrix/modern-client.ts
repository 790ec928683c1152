import {
  Client,
  type McpSubscription,
  StreamableHTTPClientTransport,
  specTypeSchemas,
} from '@modelcontextprotocol/client';
import { type CallOptions, elicited, Heap, type MatrixClient, type Params, SPOKEN } from './client.js';

const VERSION = '2026-07-28';
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

/** SDK v2, at 2026-07-28 and nothing else. */
export class ModernClient implements MatrixClient {
  readonly #heard = new Heap();
  readonly #asked = new Heap();
  #level: string | undefined;
  #listening: McpSubscription | undefined;

  private constructor(private readonly client: Client) {}

  static async connect(url: string, token: string): Promise<ModernClient> {
    const client = new Client(
      { name: 'matrix-modern', version: '1' },
      {
        capabilities: { elicitation: { form: {}, url: {} }, sampling: {} },
        versionNegotiation: { mode: { pin: VERSION } },
      },
    );
    const mine = new ModernClient(client);
    client.setRequestHandler('elicitation/create', ({ method, params }) => {
      mine.#asked.add(method, params);
      return elicited(params);
    });
    client.setRequestHandler('sampling/createMessage', ({ method, params }) => {
      mine.#asked.add(method, params);
      return SPOKEN;
    });
    client.fallbackNotificationHandler = async ({ method, params }) => mine.#heard.add(method, params);
    const requestInit = { headers: { Authorization: `Bearer ${token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
    return mine;
  }

  get heard() {
    return this.#heard.all;
  }

  get asked() {
    return this.#asked.all;
  }

  hear(method: string, from?: number) {
    return this.#heard.first(method, from);
  }

  request(method: string, params: Params = {}, { onProgress, signal }: CallOptions = {}) {
    const level = this.#level === undefined ? {} : { _meta: { [LOG_LEVEL]: this.#level } };
    return this.client.request({ method, params: { ...params, ...level } }, specTypeSchemas.Result, {
      timeout: 20_000,
      ...(onProgress === undefined ? {} : { onprogress: onProgress }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async watch(uris: readonly string[]): Promise<void> {
    this.#listening = await this.client.listen({
      toolsListChanged: true,
      promptsListChanged: true,
      resourceSubscriptions: [...uris],
    });
  }

  async unwatch(): Promise<void> {
    await this.#listening?.close();
  }

  async logLevel(level: string): Promise<void> {
    this.#level = level;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening?.close();
    await this.client.close();
  }
}
