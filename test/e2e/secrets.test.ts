import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import { expect, test } from 'vitest';
import { MemoryOAuth, TestClient } from '../helpers/clients.js';
import { gated, PASSWORD, System } from '../helpers/system.js';

const posix = process.platform !== 'win32';

/** Command lines of all processes, as every user of the machine may read them. */
async function processList(): Promise<string> {
  if (!posix) return '';
  return (await promisify(execFile)('ps', ['-axww', '-o', 'args'], { maxBuffer: 1 << 26 })).stdout;
}

/** Unlike anything else, and of no shape that a redaction could know. */
const canary = (name: string) => `canary${name}9Zq7kX`;

/** An MCP server over HTTP that shows what it was sent. */
async function httpServer() {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    seen.push(JSON.stringify(req.headers));
    // Also a server that gives secrets back in its refusal.
    res.writeHead(401, { 'www-authenticate': `Bearer realm="${req.headers['x-api-key']}"` });
    res.end(`no ${JSON.stringify(req.headers)}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { seen, url: `http://127.0.0.1:${address.port}/mcp`, [Symbol.asyncDispose]: close };
}

test('no secret in a log at any level, in status, in the list of processes, or in a server’s environment', async () => {
  await using http = await httpServer();
  await using system = await System.start({
    args: ['--log-level', 'debug'],
    relay: { secret: canary('RelaySecret').repeat(3) },
    program: { env: { UNRELATED_TOKEN: canary('RelayEnvironment') } },
  });
  const machine = await system.machine({
    servers: {
      work: gated({}, { env: { OWN_TOKEN: canary('ServerEnvironment'), FROM: '$'.concat('{AGENT_TOKEN}') } }),
      http: { url: http.url, headers: { 'X-Api-Key': canary('Header'), Authorization: `Bearer ${canary('Bearer')}` } },
    },
    program: { env: { AGENT_TOKEN: canary('Interpolated'), UNRELATED_TOKEN: canary('AgentEnvironment') } },
  });
  await machine.login();
  const agent = machine.start('--log-level', 'debug');
  await Promise.all([
    agent.line(/online at/),
    agent.line(/server work ready/),
    agent.line(/server http (failed|waiting)/),
  ]);

  await using provider = await MemoryOAuth.start((url) => system.signIn(url));
  await auth(provider, { serverUrl: system.endpoint });
  const code = provider.code;
  await auth(provider, { serverUrl: system.endpoint, authorizationCode: code });
  const tokens = provider.tokens();
  await using client = await TestClient.connect(system.endpoint, tokens?.access_token ?? '');
  await client.listed('work__environment');

  const { env, argv } = JSON.parse(await client.text('work__environment', { word: canary('Argument') }));
  // What is meant for the server reaches it, by its environment alone.
  expect(env).toMatchObject({ OWN_TOKEN: canary('ServerEnvironment'), FROM: canary('Interpolated') });
  expect(http.seen.join()).toContain(canary('Header'));
  expect(JSON.stringify([argv, { ...env, OWN_TOKEN: '', FROM: '' }])).not.toContain('canary');
  await client.call('work__fail', { word: canary('Argument') });
  await client.call('work__log', { word: canary('Argument') });
  await client.call('work__nothing', { word: canary('Argument') }).catch(() => undefined);
  await client.call('work__die', { word: canary('Argument') });
  // Renewed, used twice, and wrong: each a reason to log.
  await auth(provider, { serverUrl: system.endpoint });
  await TestClient.connect(system.endpoint, `${tokens?.access_token}x`).catch(() => undefined);
  const status = [await machine.run('status'), await machine.run('status', '--json')];
  const processes = await processList();

  const files = await readdir(machine.home, { recursive: true });
  const kept = JSON.parse(
    await readFile(join(machine.home, files.find((name) => name.endsWith('credentials.json')) ?? ''), 'utf8'),
  );
  const secrets = {
    code,
    clientToken: tokens?.access_token,
    clientRefreshToken: tokens?.refresh_token,
    renewed: provider.tokens()?.access_token,
    session: client.transport.sessionId,
    agentToken: kept.accessToken,
    agentRefreshToken: kept.refreshToken,
    password: PASSWORD,
    canary: 'canary',
  };
  const shown = {
    relay: system.relay.output,
    agent: agent.output,
    status: status.map(({ output }) => output).join('\n'),
    processes: processes
      .split('\n')
      .filter((line) => line.includes(system.path))
      .join('\n'),
  };
  // The logs hold what they are for.
  expect(shown.agent).toContain('work environment: ok');
  expect(shown.relay).toContain('link open');
  if (posix) expect(shown.processes).toContain('run.js');
  for (const [where, text] of Object.entries(shown)) {
    for (const [what, secret] of Object.entries(secrets)) {
      expect(secret, what).toBeTruthy();
      expect(text.includes(String(secret)), `${what} in ${where}`).toBe(false);
    }
  }
});

test.runIf(posix)('what a login keeps is for its user only', async () => {
  await using system = await System.start();
  const machine = await system.machine({ servers: {} });
  await machine.login();
  const files = await readdir(machine.home, { recursive: true, withFileTypes: true });
  const state = files.filter(({ parentPath, name }) => join(parentPath, name).includes('mcp-local-tunnel'));
  expect(state.map(({ name }) => name)).toContain('credentials.json');
  for (const { parentPath, name } of state) {
    const { mode } = await lstat(join(parentPath, name));
    expect(mode & 0o077, name).toBe(0);
  }
});
