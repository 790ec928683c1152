import type { IncomingMessage, ServerResponse } from 'node:http';
import { atEnd } from './harness.js';
import { HttpFixture } from './http-fixture.js';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly [key: string]: unknown };
}

const TOOLS: object[] = [
  {
    name: 'query',
    inputSchema: {
      type: 'object',
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        where: { type: 'object', properties: { limit: { type: 'integer', 'x-mcp-header': 'Limit' } } },
      },
    },
  },
  { name: 'wrong', inputSchema: { type: 'object', properties: { n: { type: 'number', 'x-mcp-header': 'N' } } } },
];

/** A modern server by hand on top of the fixture; `answer` may take a request. */
export async function modernHttp(
  answer: (message: Message, request: IncomingMessage, response: ServerResponse) => boolean = () => false,
  capabilities: object = { tools: {} },
) {
  const fixture = await HttpFixture.start();
  atEnd(() => fixture.close());
  fixture.tools = TOOLS;
  const reply = (response: ServerResponse, id: number | undefined, result: object) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } }));
  };
  fixture.intercept = (message: Message, request, response) => {
    if (answer(message, request, response)) return true;
    const { id, method, params } = message;
    if (id === undefined) response.writeHead(202).end();
    else if (method === 'server/discover') reply(response, id, { supportedVersions: ['2026-07-28'], capabilities });
    else if (method === 'tools/list') reply(response, id, { tools: fixture.tools });
    else reply(response, id, { content: [{ type: 'text', text: `${method} ${params?.name ?? ''}` }] });
    return true;
  };
  return fixture;
}
