// The smallest local MCP server over stdio: one tool, `echo`, that answers its text, or `bytes` letters.
import { createInterface } from 'node:readline';

const tool = {
  name: 'echo',
  inputSchema: { type: 'object', properties: { text: { type: 'string' }, bytes: { type: 'number' } } },
};
const answers = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'echo', version: '1' },
  }),
  'tools/list': () => ({ tools: [tool] }),
  'tools/call': ({ arguments: { text, bytes } }) => ({ content: [{ type: 'text', text: text ?? 'x'.repeat(bytes) }] }),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined)
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: answers[method](params) })}\n`);
});
