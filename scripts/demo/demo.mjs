// `npm run demo`: the whole road on this machine. A relay with its built-in account, an agent with two real MCP servers,
// and a published MCP client that logs in and calls a tool of each. `--once` ends after the calls.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { FormBrowser } from './form-browser.mjs';
import { DemoOAuthClient } from './oauth-client.mjs';
import { Program } from './program.mjs';

const once = process.argv.includes('--once');
const bold = (text) => (process.stdout.isTTY ? styleText('bold', text) : text);
const step = (text) => console.log(`${bold('•')} ${text}`);
const server = (name) =>
  fileURLToPath(new URL(`../../node_modules/@modelcontextprotocol/${name}/dist/index.js`, import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'mcp-local-tunnel-demo-'));
const programs = [];
let stopping;

/** Ends every process, newest first, and leaves no file. */
function stop() {
  stopping ??= (async () => {
    for (const program of programs.reverse()) await program.stop();
    await rm(folder, { recursive: true, force: true });
  })();
  return stopping;
}

function start(...args) {
  const program = new Program(args, { HOME: folder, XDG_CONFIG_HOME: folder, APPDATA: folder, LOCALAPPDATA: folder });
  programs.push(program);
  return program;
}

/** 3000 when it is free, since it is easy to remember; else any. */
function freePort(wished) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () => (wished === 0 ? reject(new Error('no free port')) : resolve(freePort(0))));
    probe.listen(wished, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function configFile(name, config) {
  const file = join(folder, `${name}.config.json`);
  await writeFile(file, JSON.stringify(config, null, 2), { mode: 0o600 });
  return file;
}

async function demo() {
  const port = await freePort(3000);
  const url = `http://localhost:${port}`;
  const account = { name: 'demo', password: randomBytes(12).toString('base64url') };
  const samples = join(folder, 'samples');
  await mkdir(samples);
  await writeFile(join(samples, 'hello.txt'), 'Hello from a file on this machine.\n');

  const relayConfig = await configFile('relay', {
    mode: 'relay',
    host: '127.0.0.1',
    port,
    dataDir: join(folder, 'relay'),
  });
  const relay = start('relay', '--config', relayConfig);
  const [link] = await relay.line(/https?:\/\/\S+\/setup#\S+/);
  step(`relay at ${url}`);

  const browser = new FormBrowser();
  const setup = await browser.open(link.split('#')[0]);
  await browser.submit(setup, { token: link.split('#')[1], ...account, again: account.password });
  step(`owner account "${account.name}" made through the one-time link`);

  const agentConfig = await configFile('agent', {
    mode: 'agent',
    relay: url,
    name: 'demo-laptop',
    servers: {
      files: { command: [process.execPath, server('server-filesystem'), samples] },
      everything: { command: [process.execPath, server('server-everything')] },
    },
  });
  const login = start('login', '--no-browser', '--config', agentConfig);
  const [authorize] = await login.line(/https?:\/\/\S+\/authorize\?\S+/);
  const code = await signIn(browser, account, authorize, (at) => at.pathname === '/login/code');
  login.type(code.search.slice(1));
  if ((await login.ended()) !== 0) throw new Error('login failed');
  step('agent logged in (authorization code with PKCE, pasted as on a machine without a browser)');

  const agent = start('agent', '--foreground', '--config', agentConfig);
  await Promise.all([agent.line(/online/), agent.line(/server files ready/), agent.line(/server everything ready/)]);
  step('agent online with two local servers: files, everything');

  await callTools(url, browser, account, samples);
  printLines(url, account);
  if (once) return;
  console.log(`\nUp until ${bold('Ctrl-C')}.`);
  await Promise.race([
    relay.ended(),
    agent.ended(),
    new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve)),
  ]);
}

/** Consent, then the sign-in form unless this browser is signed in already. */
async function signIn(browser, account, url, stop) {
  let page = await browser.open(url, stop);
  page = await browser.submit(page, { decision: 'allow' }, stop);
  if (!stop(page.url)) page = await browser.submit(page, account, stop);
  return page.url;
}

async function callTools(url, browser, account, samples) {
  const provider = new DemoOAuthClient((authorize) => signIn(browser, account, authorize, (at) => at.port === '33418'));
  const endpoint = new URL(`${url}/mcp`);
  const first = new StreamableHTTPClientTransport(endpoint, { authProvider: provider });
  const client = new Client({ name: 'demo', version: '1.0.0' });
  try {
    await client.connect(first);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await first.finishAuth(provider.code);
  }
  await client.connect(new StreamableHTTPClientTransport(endpoint, { authProvider: provider }));
  step('MCP client (SDK) signed in: 401 → metadata → registration → consent → sign-in → token');
  const { tools } = await client.listTools();
  step(`${tools.length} tools: ${tools.map(({ name }) => name).join(', ')}`);
  await show(client, 'files__read_text_file', { path: join(samples, 'hello.txt') });
  await show(client, 'everything__echo', { message: 'there and back again' });
  await client.close();
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

function printLines(url, account) {
  const endpoint = `${url}/mcp`;
  console.log(`
${bold('Endpoint')}  ${endpoint}
${bold('Sign in')}   name ${account.name}, password ${account.password}

${bold('Claude Code')}
  claude mcp add --transport http demo ${endpoint}
${bold('opencode')}  (opencode.json)
  { "mcp": { "demo": { "type": "remote", "url": "${endpoint}" } } }
${bold('Cursor')}    (~/.cursor/mcp.json)
  { "mcpServers": { "demo": { "url": "${endpoint}" } } }`);
}

const interrupted = new Promise((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(`stopped by ${signal}`)));
});
try {
  await Promise.race([demo(), interrupted]);
} catch (error) {
  const asked = error instanceof Error && error.message.startsWith('stopped by');
  if (!asked || once) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
} finally {
  await stop();
}
