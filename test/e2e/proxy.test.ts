import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gated, System } from '../helpers/system.js';
import { ConnectProxy } from './connect-proxy.js';

// Made for these tests, good for nothing else: the name is one that no DNS knows (RFC 6761).
const certificate = fileURLToPath(new URL('fixtures/relay.test.cert.pem', import.meta.url));
const key = fileURLToPath(new URL('fixtures/relay.test.key.pem', import.meta.url));

/** What terminates TLS in front of a relay, as nginx or Caddy would. */
async function startTls() {
  const front = { url: 'https://relay.test', target: 0 };
  const options = { cert: await readFile(certificate), key: await readFile(key) };
  const server = createServer(options, (client) => {
    const relay = connect(front.target, '127.0.0.1');
    for (const socket of [client, relay]) socket.on('error', () => undefined);
    client.on('close', () => relay.destroy());
    relay.on('close', () => client.destroy());
    client.pipe(relay).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return Object.assign(front, { port: address.port, close: () => void server.close() });
}

const before = getGlobalDispatcher();
let tls: Awaited<ReturnType<typeof startTls>>;
let proxy: ConnectProxy;
let system: System;

beforeAll(async () => {
  tls = await startTls();
  proxy = await ConnectProxy.open({ 'relay.test:443': tls.port });
  // This process is the browser and the MCP client, and reaches the relay the same way.
  const ca = await readFile(certificate, 'utf8');
  const dispatcher = new EnvHttpProxyAgent({
    httpsProxy: proxy.urlFor('client'),
    noProxy: '127.0.0.1,localhost',
    requestTls: { ca },
  });
  setGlobalDispatcher(dispatcher);
  system = await System.start({ front: tls, relay: { trustProxy: 1 } });
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  setGlobalDispatcher(before);
  await proxy?.[Symbol.asyncDispose]();
  tls?.close();
});

const agentsTunnels = () => proxy.tunnels.filter((line) => line.startsWith('agent '));

test.each([
  ['HTTPS_PROXY', {}],
  ['https_proxy', { HTTPS_PROXY: 'http://127.0.0.1:9' }],
])('login, link and status go through %s, with a private CA', async (variable, more) => {
  const name = variable === variable.toLowerCase() ? 'lower' : 'upper';
  const env = { ...more, [variable]: proxy.urlFor('agent'), NODE_EXTRA_CA_CERTS: certificate };
  const from = agentsTunnels().length;
  const machine = await system.machine({ name, servers: { work: gated({ label: name }) }, program: { env } });
  await machine.login();
  const afterLogin = agentsTunnels().length;
  expect(afterLogin).toBeGreaterThan(from);
  const agent = await machine.up();
  expect(agentsTunnels().length).toBeGreaterThan(afterLogin);
  await using client = await system.client();
  await client.listed('work__whoami');
  expect(JSON.parse(await client.text('work__whoami')).label).toBe(name);
  const status = JSON.parse((await machine.run('status', '--json')).stdout);
  expect(status).toMatchObject({ ok: true, relayView: { reachable: true, tokenAccepted: true } });
  expect(new Set(agentsTunnels())).toEqual(new Set(['agent relay.test:443']));
  expect(agent.output).not.toContain('secret');
  await agent.stop();
});

test('NO_PROXY: not through the proxy', async () => {
  const env = { HTTPS_PROXY: proxy.urlFor('agent'), NO_PROXY: 'relay.test', NODE_EXTRA_CA_CERTS: certificate };
  const from = agentsTunnels().length;
  const machine = await system.machine({ name: 'direct', servers: {}, program: { env } });
  const login = await machine.run('login', '--no-browser');
  expect(login).toMatchObject({ code: 4, output: expect.stringMatching(/relay\.test/) });
  expect(agentsTunnels()).toHaveLength(from);
});

test('a CA nobody named is not trusted, and the agent says what to do', async () => {
  const env = { HTTPS_PROXY: proxy.urlFor('agent') };
  const machine = await system.machine({ name: 'untrusting', servers: {}, program: { env } });
  const login = await machine.run('login', '--no-browser');
  expect(login).toMatchObject({ code: 4, output: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
});
