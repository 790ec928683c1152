import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';

/** A client of revision 2025-11-25 that reads when the test says so. */
export class FlowClient {
  #session: string | undefined;
  #id = 0;

  private constructor(
    private readonly url: string,
    private readonly token: string,
    private readonly port: number | undefined,
  ) {}

  /** @param port where the relay listens itself, past what is in front of it and what waits there */
  static async open(url: string, token: string, port?: number): Promise<FlowClient> {
    const client = new FlowClient(url, token, port);
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'flow', version: '1' } };
    const response = await client.#send(client.#message('initialize', params));
    client.#session = String(response.headers['mcp-session-id']);
    await text(response);
    await text(await client.#send({ jsonrpc: '2.0', method: 'notifications/initialized' }));
    return client;
  }

  /** The response, of which nothing is read but its head. @param progressToken none: no progress is wanted */
  call(name: string, args: object, progressToken?: number): Promise<IncomingMessage> {
    return this.#send(this.#call(name, args, progressToken));
  }

  /** The text of a call's result. */
  async text(name: string, args: object = {}): Promise<string> {
    const body = await text(await this.call(name, args));
    const json: unknown = JSON.parse(body.startsWith('{') ? body : (/^data: (\{.*)$/gm.exec(body)?.[1] ?? 'null'));
    const found = /"text":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(json))?.[1];
    if (found === undefined) throw new Error(body.slice(0, 1000));
    return JSON.parse(found);
  }

  /** A call whose body the caller writes. */
  begin(bytes: number): ClientRequest {
    return this.#request('POST', { 'content-length': bytes });
  }

  /** Id of the last request. */
  get last(): number {
    return this.#id;
  }

  async cancel(requestId: number): Promise<void> {
    const sent = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } };
    await text(await this.#send(sent));
  }

  /** A GET stream, of which nothing is read but its head. */
  listen(): Promise<IncomingMessage> {
    return answerTo(this.#request('GET', {}, 'text/event-stream').end());
  }

  /** Ends the session. */
  async end(): Promise<void> {
    await text(await answerTo(this.#request('DELETE').end()));
  }

  /** JSON text of a call. */
  body(name: string, args: object): string {
    return JSON.stringify(this.#call(name, args));
  }

  #call(name: string, args: object, progressToken?: number): object {
    const meta = progressToken === undefined ? {} : { _meta: { progressToken } };
    return this.#message('tools/call', { name, arguments: args, ...meta });
  }

  #message(method: string, params: object): object {
    this.#id += 1;
    return { jsonrpc: '2.0', id: this.#id, method, params };
  }

  #send(message: object): Promise<IncomingMessage> {
    return answerTo(this.#request('POST').end(JSON.stringify(message)));
  }

  #request(
    method: string,
    more: Readonly<Record<string, number>> = {},
    accept = 'application/json, text/event-stream',
  ): ClientRequest {
    return request(this.url, {
      method,
      agent: false,
      ...(this.port === undefined ? {} : { hostname: '127.0.0.1', port: this.port }),
      headers: {
        host: new URL(this.url).host,
        authorization: `Bearer ${this.token}`,
        'content-type': 'application/json',
        accept,
        ...(this.#session === undefined
          ? {}
          : { 'mcp-session-id': this.#session, 'mcp-protocol-version': '2025-11-25' }),
        ...more,
      },
    });
  }
}

/** `subscriptions/listen` of revision 2026-07-28: its stream, of which nothing is read but the head. */
export function modernListen(url: string, token: string): Promise<IncomingMessage> {
  const method = 'subscriptions/listen';
  const revision = '2026-07-28';
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': { name: 'flow', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      'mcp-method': method,
    },
  });
  const params = { notifications: { toolsListChanged: true }, _meta };
  return answerTo(sent.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })));
}

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const answered = once(sent, 'response');
  // A refusal comes while the body is still on its way, and the connection ends with it.
  sent.on('error', () => undefined);
  const [response]: IncomingMessage[] = await answered;
  if (response === undefined) throw new Error('no response');
  return response;
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads an event stream to its end: the numbers of its progress notifications in the order they came, and what else it said. */
export async function readEvents(response: IncomingMessage): Promise<{ progress: number[]; others: string[] }> {
  const progress: number[] = [];
  const others: string[] = [];
  let rest = '';
  response.setEncoding('latin1');
  for await (const chunk of response) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      const number = /"progress":(\d+)/.exec(line)?.[1];
      if (number === undefined) others.push(line);
      else progress.push(Number(number));
    }
  }
  return { progress, others };
}
