import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingLevelSchema,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { type CallOptions, elicited, Heap, type MatrixClient, type Params, SPOKEN } from './client.js';

/** SDK v1 at 2025-11-25. */
export class LegacyClient implements MatrixClient {
  readonly #heard = new Heap();
  readonly #asked = new Heap();

  private constructor(
    private readonly client: Client,
    private readonly transport: StreamableHTTPClientTransport,
  ) {}

  static async connect(url: string, token: string): Promise<LegacyClient> {
    const client = new Client(
      { name: 'matrix-legacy', version: '1' },
      { capabilities: { elicitation: { form: {}, url: {} }, sampling: {} } },
    );
    const requestInit = { headers: { Authorization: `Bearer ${token}` } };
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit });
    const mine = new LegacyClient(client, transport);
    client.setRequestHandler(ElicitRequestSchema, ({ method, params }) => {
      mine.#asked.add(method, params);
      return elicited(params);
    });
    client.setRequestHandler(CreateMessageRequestSchema, ({ method, params }) => {
      mine.#asked.add(method, params);
      return SPOKEN;
    });
    client.fallbackNotificationHandler = async ({ method, params }) => mine.#heard.add(method, params);
    await client.connect(transport);
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
    return this.client.request({ method, params }, ResultSchema, {
      timeout: 20_000,
      ...(onProgress === undefined ? {} : { onprogress: onProgress }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async watch(uris: readonly string[]): Promise<void> {
    for (const uri of uris) await this.client.subscribeResource({ uri });
  }

  async unwatch(uris: readonly string[]): Promise<void> {
    for (const uri of uris) await this.client.unsubscribeResource({ uri });
  }

  async logLevel(level: string): Promise<void> {
    await this.client.setLoggingLevel(LoggingLevelSchema.parse(level));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.terminateSession();
    await this.client.close();
  }
}
