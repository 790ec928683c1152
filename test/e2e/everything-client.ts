import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  type ElicitResult,
  ListRootsRequestSchema,
  McpError,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { everythingCommand } from '../helpers/system.js';
import { Heap, type Heard } from '../matrix/client.js';

/** Of the direct client, and in the agents' configs. */
export const ROOTS = ['file:///srv/plums', 'file:///srv/pears'];
/** Set for the server, directly and in the agents' configs. */
export const ENVIRONMENT = { FRUIT: 'plum = "ripe"' };

export type Params = Readonly<Record<string, unknown>>;
/** What a request came to. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown };

/** The person and the model at the client; a test changes what they say. */
export interface Answers {
  elicited: ElicitResult;
  /** Undefined: the person does not let the model be asked. */
  sampled: string | undefined;
}

/** A client of SDK v1 that can all that a client of 2025-11-25 can, directly at server-everything or through the tunnel. */
export class FullClient implements AsyncDisposable {
  readonly answers: Answers = { elicited: { action: 'accept' }, sampled: 'ripe' };
  /** The result of `initialize`, as it came. */
  initialized: unknown;
  readonly #heard = new Heap();
  readonly #asked = new Heap();

  private constructor(
    private readonly sdk: Client,
    private readonly end: () => Promise<void>,
  ) {}

  /** With a server of its own. */
  static direct(): Promise<FullClient> {
    const [command, ...args] = everythingCommand();
    const transport = new StdioClientTransport({ command, args, env: { ...ENVIRONMENT }, stderr: 'ignore' });
    return FullClient.#connect(transport, async () => {});
  }

  static through(endpoint: string, token: string): Promise<FullClient> {
    const requestInit = { headers: { Authorization: `Bearer ${token}` } };
    const transport = new StreamableHTTPClientTransport(new URL(endpoint), { requestInit });
    return FullClient.#connect(transport, () => transport.terminateSession());
  }

  static async #connect(transport: Transport, end: () => Promise<void>): Promise<FullClient> {
    const sdk = new Client(
      { name: 'full', title: 'All of it', version: '1.0.0' },
      {
        capabilities: {
          elicitation: { form: {}, url: {} },
          sampling: { tools: {}, context: {} },
          roots: { listChanged: true },
          tasks: { list: {}, cancel: {}, requests: { elicitation: { create: {} }, sampling: { createMessage: {} } } },
        },
      },
    );
    const client = new FullClient(sdk, end);
    // Called before the SDK reads a message, with all its members.
    transport.onmessage = (message) => {
      if ('method' in message) ('id' in message ? client.#asked : client.#heard).add(message.method, message.params);
      else if ('result' in message) client.initialized ??= message.result;
    };
    sdk.setRequestHandler(ElicitRequestSchema, () => client.answers.elicited);
    sdk.setRequestHandler(ListRootsRequestSchema, () => ({ roots: ROOTS.map((uri) => ({ uri })) }));
    sdk.setRequestHandler(CreateMessageRequestSchema, () => {
      const { sampled: text } = client.answers;
      if (text === undefined) throw new McpError(-1, 'User rejected sampling request');
      return {
        role: 'assistant' as const,
        content: { type: 'text' as const, text },
        model: 'orchard',
        stopReason: 'endTurn',
      };
    });
    await sdk.connect(transport);
    return client;
  }

  /** Notifications, in order. */
  get heard(): readonly Heard[] {
    return this.#heard.all;
  }

  /** The server's requests, in order. */
  get asked(): readonly Heard[] {
    return this.#asked.all;
  }

  /** The first notification of that method, past or to come, from `from` on. */
  hear(method: string, from?: number): Promise<Heard> {
    return this.#heard.first(method, from);
  }

  /** One request to its end. Progress is asked for, and is among what is heard. */
  async request(method: string, params?: Params, signal?: AbortSignal): Promise<Outcome> {
    const request = params === undefined ? { method } : { method, params };
    const options = { timeout: 20_000, onprogress: () => {}, ...(signal === undefined ? {} : { signal }) };
    try {
      return { result: await this.sdk.request(request, ResultSchema, options) };
    } catch (error) {
      if (!(error instanceof McpError)) throw error;
      return { error: { code: error.code, message: error.message, data: error.data } };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.sdk.close();
  }
}
