// What the tunnel is compared with: the same tool on a plain SDK server over Streamable HTTP, no tunnel and no sign-in.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const sessions = new Map();

async function open() {
  const server = new Server({ name: 'direct', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [{ name: 'echo', inputSchema: { type: 'object' } }],
  }));
  server.setRequestHandler(
    CallToolRequestSchema,
    ({
      params: {
        arguments: { text, bytes },
      },
    }) => ({
      content: [{ type: 'text', text: text ?? 'x'.repeat(bytes) }],
    }),
  );
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  await server.connect(transport);
  return transport;
}

const http = createServer(async (req, res) => {
  const transport = sessions.get(req.headers['mcp-session-id']) ?? (await open());
  await transport.handleRequest(req, res);
});
http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}/mcp`));
