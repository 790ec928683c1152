import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '../../scripts/demo/free-port.mjs';

export interface Seen {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly [key: string]: unknown };
}

/** A Streamable HTTP server by hand, in this process, so that a test can see every request and break every answer. */
export class HttpFixture {
  readonly seen: Seen[] = [];
  /** Answers instead of the usual; true when it did. */
  intercept: (message: Message, request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  /** How a server tells that it does not know a session. */
  unknownSession = { status: 404, body: 'unknown' };
  tools: object[] = [{ name: 'echo', inputSchema: { type: 'object' } }];
  readonly #server: Server;
  readonly #sessions = new Set<string>();
  readonly #listening = new Set<ServerResponse>();
  #count = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#onRequest(request, response));
  }

  static async start(wished?: number): Promise<HttpFixture> {
    const fixture = new HttpFixture();
    const port = wished ?? (await freePort());
    await new Promise<void>((resolve) => fixture.#server.listen(port, '127.0.0.1', resolve));
    return fixture;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  /** The bodies of all POSTs of this JSON-RPC method. */
  posts(method: string): string[] {
    return this.seen.map(({ body }) => body).filter((body) => body.includes(`"method":"${method}"`));
  }

  forgetSessions(): void {
    this.#sessions.clear();
  }

  /** Sends a notification on every GET stream. */
  notify(method: string, params: object = {}): void {
    for (const response of this.#listening) response.write(event({ jsonrpc: '2.0', method, params }));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    this.seen.push({ method: request.method ?? '', headers: request.headers, body });
    const message: Message = body ? JSON.parse(body) : {};
    if (this.intercept(message, request, response)) return;
    const session = String(request.headers['mcp-session-id']);
    if (message.method === 'initialize') {
      this.#count += 1;
      this.#sessions.add(`session-${this.#count}`);
      const result = {
        protocolVersion: '2025-06-18',
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: 'http' },
      };
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': `session-${this.#count}` });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    } else if (!this.#sessions.has(session)) {
      response.writeHead(this.unknownSession.status).end(this.unknownSession.body);
    } else if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
      this.#listening.add(response);
      response.on('close', () => this.#listening.delete(response));
    } else if (request.method === 'DELETE') {
      this.#sessions.delete(session);
      response.writeHead(200).end();
    } else if (message.id === undefined) {
      response.writeHead(202).end();
    } else {
      const result =
        message.method === 'tools/list'
          ? { tools: this.tools }
          : { content: [{ type: 'text', text: JSON.stringify(message.params?.arguments) }] };
      sendEvents(response, { jsonrpc: '2.0', id: message.id, result }).end();
    }
  }
}

/** Begins or goes on with an event stream. */
export function sendEvents(response: ServerResponse, ...messages: object[]): ServerResponse {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const message of messages) response.write(event(message));
  return response;
}

const event = (message: object) => `event: message\ndata: ${JSON.stringify(message)}\n\n`;
