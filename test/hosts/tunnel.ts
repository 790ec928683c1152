import { createRequire } from 'node:module';
import { join } from 'node:path';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { inject } from 'vitest';
import { FormBrowser } from '../../scripts/demo/form-browser.mjs';
import { DemoOAuthClient } from '../../scripts/demo/oauth-client.mjs';
import { ACCOUNT, type Place } from './place.js';
import { signIn } from './sign-in.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** bin/run.js of the built program (build.mjs). */
    program: string;
  }
}

const EVERYTHING = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js');

/** A relay with its own account on a free port, and an agent that has logged in there and does not run yet. */
export interface Tunnel {
  readonly url: string;
  readonly endpoint: string;
  /** Command lines of the agent, of the one in the background, and of the local server `everything`. */
  readonly agent: readonly string[];
  readonly daemon: readonly string[];
  readonly server: readonly string[];
}

export async function startTunnel(place: Place): Promise<Tunnel> {
  const program = (...args: string[]) => [inject('program'), ...args];
  const relayConfig = await place.write('relay.json', {
    mode: 'relay',
    host: '127.0.0.1',
    port: 0,
    dataDir: join(place.folder, 'relay'),
  });
  // The one program that goes by name to a host on the internet.
  const preload = ['--import', join(import.meta.dirname, 'internet.mjs')];
  const relay = place.start('relay', process.execPath, [...preload, ...program('relay', '--config', relayConfig)]);
  const [, url = ''] = await relay.says(/relay is up url=(\S+)/);
  const [, page = '', token = ''] = await relay.says(/(http\S+\/setup)#(\S+)/);
  const browser = new FormBrowser();
  await browser.submit(await browser.open(page), { token, ...ACCOUNT, again: ACCOUNT.password });

  // The folder does nothing there; the process is known by it.
  const server = [process.execPath, EVERYTHING, 'stdio', place.folder];
  const config = await place.write('agent.json', {
    mode: 'agent',
    relay: url,
    name: 'laptop',
    servers: { everything: { command: server } },
  });
  const login = place.start('agent', process.execPath, program('login', '--no-browser', '--config', config));
  const [deviceUrl] = await login.says(/http\S+\/device\b/);
  const [user_code] = await login.says(/\b[B-Z]{4}-[B-Z]{4}\b/);
  const entry = await browser.open(deviceUrl);
  const consent = await browser.submit(entry, { user_code });
  await browser.submit(await browser.submit(consent, { decision: 'allow' }), ACCOUNT);
  if ((await login.ended) !== 0) throw new Error(`login failed:\n${login.output}`);
  const agent = [process.execPath, ...program('agent', '--config', config)];
  const daemon = [process.execPath, ...program('agent', '--daemon', '--config', config)];
  return { url, endpoint: `${url}/mcp`, agent, daemon, server };
}

/** A client of the relay that is none of the programs under test, signed in. */
export async function connect({ endpoint }: Tunnel): Promise<Client> {
  const back = ({ port }: URL) => port === '33418';
  const provider = new DemoOAuthClient((authorize) => signIn(authorize, ACCOUNT, back));
  const transport = () => new StreamableHTTPClientTransport(new URL(endpoint), { authProvider: provider });
  const client = new Client({ name: 'hosts', version: '1.0.0' });
  const first = transport();
  try {
    await client.connect(first);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await first.finishAuth(provider.code ?? '');
  }
  await client.connect(transport());
  return client;
}
