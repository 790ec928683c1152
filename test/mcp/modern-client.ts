import type { RawOptions, RpcReply } from './raw-client.js';
import type { TestRelay } from './test-relay.js';

export const VERSION = '2026-07-28';
export const PREFIX = 'io.modelcontextprotocol/';
export const SUBSCRIPTION_ID = `${PREFIX}subscriptionId`;

const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

export interface ModernOptions extends RawOptions {
  /** More of `_meta`; a key that is `undefined` is left out. */
  readonly meta?: object;
  /** A header that is `null` is left out. */
  readonly without?: readonly string[];
}

/** Speaks the stateless revision over HTTP by hand, as rightly or wrongly as a test likes. */
export class ModernClient {
  private constructor(
    readonly url: string,
    readonly token: string,
  ) {}

  /** @param at the part of the path behind /mcp, e.g. `/laptop` */
  static async of(relay: TestRelay, at = '', principal?: Parameters<TestRelay['token']>[0]): Promise<ModernClient> {
    return new ModernClient(`${relay.url}${at}`, await relay.token(principal));
  }

  /** A request with its envelope and headers. */
  request(id: unknown, method: string, params: object = {}, options: ModernOptions = {}): Promise<Response> {
    return this.send({ jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope(options.meta) } }, options);
  }

  async reply(id: unknown, method: string, params: object = {}, options: ModernOptions = {}): Promise<RpcReply> {
    return (await (await this.request(id, method, params, options)).json()) as RpcReply;
  }

  call(id: unknown, name: string, args: object = {}, options: ModernOptions = {}): Promise<Response> {
    return this.request(id, 'tools/call', { name, arguments: args }, options);
  }

  /** Any message, with the headers that belong to it. */
  send(message: Readonly<Record<string, unknown>>, options: ModernOptions = {}): Promise<Response> {
    return this.raw(JSON.stringify(message), headersOf(message), options);
  }

  raw(body: string, mirrored: Readonly<Record<string, string>>, options: ModernOptions = {}): Promise<Response> {
    const headers = new Headers({
      Authorization: `Bearer ${this.token}`,
      'Content-Type': 'application/json',
      ...mirrored,
    });
    const accept = options.accept === undefined ? 'application/json, text/event-stream' : options.accept;
    if (accept !== null) headers.set('Accept', accept);
    if (options.session !== undefined) headers.set('Mcp-Session-Id', options.session);
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
    for (const name of options.without ?? []) headers.delete(name);
    return fetch(this.url, { method: 'POST', headers, body, ...(options.signal ? { signal: options.signal } : {}) });
  }
}

export function envelope(more: object = {}): Record<string, unknown> {
  return {
    [`${PREFIX}protocolVersion`]: VERSION,
    [`${PREFIX}clientInfo`]: { name: 'raw', version: '1' },
    [`${PREFIX}clientCapabilities`]: {},
    ...more,
  };
}

/** The headers that mirror a message. */
export function headersOf(message: Readonly<Record<string, unknown>>): Record<string, string> {
  const method = String(message.method);
  const params = (message.params ?? {}) as Readonly<Record<string, unknown>>;
  const source = NAMED[method];
  const name = source === undefined ? undefined : params[source];
  return {
    'MCP-Protocol-Version': VERSION,
    'Mcp-Method': method,
    ...(typeof name === 'string' ? { 'Mcp-Name': headerValue(name) } : {}),
  };
}

/** As a client has to write it where it is no header value. */
function headerValue(text: string): string {
  const plain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text);
  return plain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

/** Client capabilities in an envelope. */
export function capable(capabilities: object): object {
  return { [`${PREFIX}clientCapabilities`]: capabilities };
}

export const TASK_CAPABLE = capable({ extensions: { [`${PREFIX}tasks`]: {} } });

/** The refusal of a request `i` whose headers say something else than its body. */
export const MISMATCH = { status: 400, id: 'i', code: -32020 };
