import { createServer, type RequestListener, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgent } from '../../../src/agent/agent.js';
import { CredentialStore } from '../../../src/agent/credentials/store.js';
import { createTokenSource } from '../../../src/agent/credentials/token-source.js';
import { login } from '../../../src/agent/login.js';
import { acquireInstance } from '../../../src/agent/session/instance.js';
import { status } from '../../../src/agent/status.js';
import type { AgentConfig, RelayConfig } from '../../../src/config/config.js';
import { limitDefaults } from '../../../src/config/limits.js';
import { loggerTo } from '../../helpers/logger.js';
import { browse, RelayStandIn } from '../login/relay-stand-in.js';
import { type TempConfig, tempConfig } from '../login/temp-config.js';

const signal = new AbortController().signal;
const quiet = loggerTo();

describe('status of an agent', () => {
  let relay: RelayStandIn;
  let temp: TempConfig;
  let config: AgentConfig;

  beforeEach(async () => {
    relay = await RelayStandIn.start();
    temp = await tempConfig(relay.origin);
    config = temp.config;
  });

  afterEach(async () => {
    await temp[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
  });

  const logIn = () =>
    login(config, { signal, browser: true, notify: () => {}, openUrl: async (url) => void (await browse(url)) });

  it('on a new machine says to log in and to start one', async () => {
    expect(await status(config, { signal })).toMatchObject({
      ok: false,
      relay: relay.origin,
      agent: { running: false },
      login: { status: 'not_logged_in' },
      relayView: { reachable: true },
      problems: [{ next: 'Run: mcp-local-tunnel login' }, { next: expect.stringContaining('mcp-local-tunnel agent') }],
    });
  });

  it('asks the relay about the token, and changes nothing', async () => {
    await logIn();
    relay.tokenRequests.length = 0;
    expect(await status(config, { signal })).toMatchObject({
      login: { status: 'logged_in' },
      relayView: { reachable: true, tokenAccepted: true },
    });
    relay.forgetGrants();
    expect(await status(config, { signal })).toMatchObject({
      relayView: { reachable: true, tokenAccepted: false },
      problems: [{ what: expect.stringContaining('refuses'), next: 'Run: mcp-local-tunnel login' }, {}],
    });
    const store = new CredentialStore(config);
    const kept = await store.load();
    if (kept !== undefined) await store.save({ ...kept, expiresAt: 0 });
    expect((await status(config, { signal })).problems).toHaveLength(1);
    expect(relay.tokenRequests).toHaveLength(0);
  });

  it('tells a relay that is away', async () => {
    await relay[Symbol.asyncDispose]();
    expect(await status(config, { signal })).toMatchObject({
      relayView: { reachable: false },
      problems: expect.arrayContaining([
        { what: expect.stringContaining('cannot be reached'), next: expect.any(String) },
      ]),
    });
  });

  it('shows the agent that runs, its servers, and what is wrong with them', async () => {
    config = {
      ...config,
      servers: { broken: { command: [process.execPath, '-e', 'process.exit(3)'], env: {}, disabled: false } },
    };
    const instance = await acquireInstance(config, { version: '1.2.3' });
    const ended = new AbortController();
    try {
      expect(await status(config, { signal })).toMatchObject({
        ok: false,
        agent: { running: true, pid: process.pid, kind: 'foreground', version: '1.2.3' },
        problems: expect.arrayContaining([{ what: 'The agent is starting.', next: 'Ask again in a moment.' }]),
      });
      const credentials = createTokenSource(config);
      const options = { logger: quiet, browser: false, credentials, whenRefused: 'wait' as const, version: '1.2.3' };
      const agent = createAgent(config, options);
      const failed = new Promise<void>((resolve) => {
        agent.onChange(({ link, servers }) => {
          if (link === 'refused' && servers[0]?.problem !== undefined) resolve();
        });
      });
      instance.serve(agent);
      const run = agent.run(ended.signal);
      await failed;
      // Between two tries the server is starting, which is no problem to tell.
      await expect
        .poll(() => status(config, { signal }))
        .toMatchObject({
          ok: false,
          agent: { snapshot: { link: 'refused', servers: [{ name: 'broken' }] } },
          problems: [
            { what: expect.stringContaining('Not logged in'), next: 'Run: mcp-local-tunnel login' },
            { what: expect.stringContaining('Server broken'), next: 'Check "servers.broken" in the config.' },
          ],
        });
      ended.abort();
      await run;
    } finally {
      ended.abort();
      await instance.release();
    }
  });
});

describe('status of a relay', () => {
  let server: Server | undefined;

  afterEach(async () => {
    const closing = server;
    server = undefined;
    if (closing !== undefined) await new Promise<void>((resolve) => closing.close(() => resolve()));
  });

  async function config(answer?: RequestListener): Promise<RelayConfig> {
    const listener = createServer(answer);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    if (answer === undefined) await new Promise<void>((resolve) => listener.close(() => resolve()));
    else server = listener;
    const { port } = address;
    return { mode: 'relay', port, host: '0.0.0.0', dataDir: '/nowhere', trustProxy: false, limits: limitDefaults };
  }

  it.each([
    [200, { ok: true, running: true, ready: true, problems: [] }],
    [503, { ok: false, running: true, ready: false, problems: [{ next: 'Ask again in a moment.' }] }],
    [404, { ok: false, ready: false, problems: [{ what: expect.stringContaining('another program') }] }],
  ])('that answers with %i', async (code, expected) => {
    const paths: (string | undefined)[] = [];
    const running = await config((req, res) => {
      paths.push(req.url);
      res.writeHead(code).end();
    });
    expect(await status(running, { signal })).toMatchObject(expected);
    expect(paths).toEqual(['/readyz']);
  });

  it('that does not run', async () => {
    expect(await status(await config(), { signal })).toMatchObject({
      ok: false,
      running: false,
      problems: [{ next: 'Run: mcp-local-tunnel relay' }],
    });
  });
});

it('status loads none of the heavy packages', async () => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../../../src/agent/status.ts', import.meta.url))],
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outdir: 'unused',
    write: false,
    metafile: true,
  });
  const loaded = new Set<string>();
  const visit = (output: string) => {
    for (const { path, kind } of metafile.outputs[output]?.imports ?? []) {
      if (kind !== 'import-statement' || loaded.has(path)) continue;
      loaded.add(path);
      visit(path);
    }
  };
  const entry = Object.keys(metafile.outputs).find((output) =>
    metafile.outputs[output]?.entryPoint?.endsWith('status.ts'),
  );
  visit(entry ?? '');
  const packages = [...loaded].filter((path) => !path.startsWith('node:') && metafile.outputs[path] === undefined);
  expect(packages.sort()).toEqual(['env-paths', 'proxy-from-env']);
});
