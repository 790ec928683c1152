// What the tunnel is compared with: the same tool on a plain SDK server over Streamable HTTP, no tunnel and no sign-in.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { tool } from './echo-tool.mjs';

const sessions = new Map();
const letters = new Map();

function textOf({ text, bytes }) {
  if (bytes === undefined) return text;
  const made = letters.get(bytes) ?? 'x'.repeat(bytes);
  letters.set(bytes, made);
  return made;
}

async function open() {
  const server = new Server({ name: 'direct', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [tool] }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    if (params.arguments.ms !== undefined) await pause(params.arguments.ms);
    return { content: [{ type: 'text', text: textOf(params.arguments) }] };
  });
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
// In good order, so that a profile is written where one is asked for.
process.on('SIGTERM', () => process.exit());
