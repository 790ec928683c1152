import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FloodingHttp {
  readonly url: string;
  /** Events of the present call that the system has taken from this process. */
  readonly written: number;
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly events?: number; readonly bytes?: number };
    readonly _meta?: { readonly progressToken?: number };
  };
}

const TOOLS = ['flood', 'echo'].map((name) => ({ name, inputSchema: { type: 'object' } }));

/** The stdio fixture's tools over HTTP, in this process: Streamable HTTP of 2025-11-25 or 2026-07-28, or HTTP+SSE of 2024-11-05. */
export async function floodingHttp(kind: 'streamable' | 'modern' | 'sse'): Promise<FloodingHttp> {
  let written = 0;
  /** Of HTTP+SSE: the one stream for everything. */
  let stream: ServerResponse | undefined;
  const complete = kind === 'modern' ? { resultType: 'complete' } : {};

  const flood = async (out: ServerResponse, { id, params = {} }: Message) => {
    const { arguments: { events = 0, bytes = 0 } = {}, _meta: { progressToken } = {} } = params;
    const message = 'x'.repeat(bytes);
    for (let progress = 1; progress <= events; progress += 1) {
      const taken = out.write(event(notice('notifications/progress', { progressToken, progress, message })));
      if (!taken) await once(out, 'drain');
      written = progress;
    }
    out.write(event(result(id, { ...complete, content: [{ type: 'text', text: 'flooded' }] })));
  };
  const answer = ({ id, method, params }: Message): object => {
    const serverInfo = { name: kind, version: '1' };
    if (method === 'initialize') {
      const protocolVersion = kind === 'sse' ? '2024-11-05' : '2025-11-25';
      return result(id, { protocolVersion, capabilities: { tools: {} }, serverInfo });
    }
    if (method === 'server/discover' && kind === 'modern') {
      return result(id, { ...complete, supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, serverInfo });
    }
    if (method === 'tools/list') return result(id, { ...complete, tools: TOOLS });
    if (method !== 'tools/call') return { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } };
    return result(id, {
      ...complete,
      content: [{ type: 'text', text: String(JSON.stringify(params?.arguments).length) }],
    });
  };
  const post = async (message: Message, response: ServerResponse) => {
    const floods = message.method === 'tools/call' && message.params?.name === 'flood';
    if (kind === 'sse') {
      response.writeHead(202).end();
      if (stream === undefined || message.id === undefined) return;
      if (floods) await flood(stream, message);
      else stream.write(event(answer(message)));
    } else if (message.id === undefined) response.writeHead(202).end();
    else if (floods) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      await flood(response, message);
      response.end();
    } else {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer(message)));
    }
  };
  const server = createServer((request, response) => {
    if (request.method === 'POST' && (kind !== 'sse' || request.url === '/messages')) {
      void read(request).then((message) => post(message, response));
    } else if (request.method === 'GET' && kind === 'sse') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream.write('event: endpoint\ndata: /messages\n\n');
    } else response.writeHead(405).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    get written() {
      return written;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(request: IncomingMessage): Promise<Message> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return JSON.parse(body);
}

const event = (message: object) => `data: ${JSON.stringify(message)}\n\n`;
const result = (id: number | undefined, value: object) => ({ jsonrpc: '2.0', id, result: value });
const notice = (method: string, params: object) => ({ jsonrpc: '2.0', method, params });
