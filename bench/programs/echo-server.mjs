// The smallest local MCP server over stdio: one tool, `echo`. Costs next to nothing, so that what carries it is measured.
import { createInterface } from 'node:readline';
import { tool } from './echo-tool.mjs';

const TEXT = '{"content":[{"type":"text","text":"';
const END = '"}]}}\n';
/** Large results by size, each made once. */
const kept = new Map();

const answers = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'echo', version: '1' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: [tool] }),
  'tools/call': ({ arguments: { text } }) => ({ content: [{ type: 'text', text }] }),
};

function letters(bytes) {
  const text = kept.get(bytes) ?? Buffer.from(`${TEXT}${'x'.repeat(bytes)}${END}`);
  kept.set(bytes, text);
  return text;
}

function answer({ id, method, params }) {
  if (id === undefined) return;
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`;
  const bytes = method === 'tools/call' ? params.arguments.bytes : undefined;
  if (bytes !== undefined) {
    process.stdout.write(`${head}"result":`);
    process.stdout.write(letters(bytes));
  } else if (answers[method] === undefined) {
    process.stdout.write(`${head}"error":{"code":-32601,"message":"no such method"}}\n`);
  } else {
    process.stdout.write(`${head}"result":${JSON.stringify(answers[method](params))}}\n`);
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  const late = message.method === 'tools/call' ? message.params.arguments.ms : undefined;
  if (late === undefined) answer(message);
  else setTimeout(() => answer(message), late);
});
