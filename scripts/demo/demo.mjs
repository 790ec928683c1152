// `npm run demo`: the whole road on this machine. A relay with its built-in account, an agent with two real MCP servers,
// and a published MCP client that logs in and calls a tool of each. `--once` ends after the calls.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { freePort } from './free-port.mjs';
import { Stage } from './stage.mjs';

const once = process.argv.includes('--once');
const bold = (text) => (process.stdout.isTTY ? styleText('bold', text) : text);
const step = (text) => console.log(`${bold('•')} ${text}`);

function program(name) {
  const path = `../../node_modules/@modelcontextprotocol/${name}/dist/index.js`;
  return [process.execPath, fileURLToPath(new URL(path, import.meta.url))];
}

async function demo(stage) {
  const relay = await stage.relay(await freePort(3000));
  step(`relay at ${stage.url}, owner account "${stage.account.name}" made through its one-time link`);

  const samples = join(stage.folder, 'samples');
  await mkdir(samples);
  await writeFile(join(samples, 'hello.txt'), 'Hello from a file on this machine.\n');
  const agent = await stage.agent({
    files: { command: [...program('server-filesystem'), samples] },
    everything: { command: program('server-everything') },
  });
  step('agent logged in, and online with two local servers: files, everything');

  const { client } = await stage.client();
  step('MCP client signed in: 401 → metadata → registration → consent → sign-in → token');
  const { tools } = await client.listTools();
  step(`${tools.length} tools: ${tools.map(({ name }) => name).join(', ')}`);
  await show(client, 'files__read_text_file', { path: join(samples, 'hello.txt') });
  await show(client, 'everything__echo', { message: 'there and back again' });
  await client.close();

  printLines(`${stage.url}/mcp`, stage.account);
  if (once) return;
  console.log(`\nUp until ${bold('Ctrl-C')}.`);
  const ended = await Promise.race([relay.ended().then(() => 'relay'), agent.ended().then(() => 'agent')]);
  throw new Error(`the ${ended} ended`);
}

async function show(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  const text = result.content
    .map((block) => block.text ?? `[${block.type}]`)
    .join(' ')
    .trim();
  if (result.isError) throw new Error(`${name}: ${text}`);
  step(`${bold(name)} → ${text}`);
}

function printLines(endpoint, { name, password }) {
  console.log(`
${bold('Endpoint')}  ${endpoint}
${bold('Sign in')}   name ${name}, password ${password}

${bold('Claude Code')}
  claude mcp add --transport http demo ${endpoint} && claude mcp login demo
${bold('opencode')}  (opencode.json)
  { "mcp": { "demo": { "type": "remote", "url": "${endpoint}" } } }
${bold('Cursor')}    (~/.cursor/mcp.json)
  { "mcpServers": { "demo": { "url": "${endpoint}" } } }`);
}

const stopped = new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
const stage = await Stage.open();
try {
  await Promise.race([demo(stage), stopped]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await stage.stop();
}
