import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { Child, localServer, node } from '../lib/child.mjs';
import { childrenOf } from '../lib/cpu.mjs';

const DAY_MS = 86_400_000;

/**
 * The older mcp-local-tunnel, github.com/domdomegg/mcp-local-tunnel at version 1.1.0: MCP_LOCAL_TUNNEL_1 names the folder
 * of a checkout after `npm ci && npm run build`.
 */
export function older() {
  const folder = process.env.MCP_LOCAL_TUNNEL_1;
  if (folder === undefined) throw new Error('MCP_LOCAL_TUNNEL_1 names the folder of a built checkout');
  const program = join(folder, 'dist/index.js');
  let home;
  let relay;
  let agent;
  return {
    name: 'older 1.1.0',
    // Its agent takes ten seconds for one of 60 MiB.
    largestMiB: 8,
    async start() {
      home = await mkdtemp(join(tmpdir(), 'mcp-local-tunnel-bench-'));
      const port = await freePort(0);
      const url = `http://localhost:${port}`;
      const secret = randomBytes(32).toString('hex');
      // Never asked: both tokens are made here, as its login would.
      const auth = { issuer: 'http://localhost:1' };
      const base = { HOME: home, XDG_RUNTIME_DIR: home, DAEMON_GRACE_PERIOD_MS: String(DAY_MS) };
      relay = new Child(node(program, [], 'older-relay'), {
        ...base,
        MCP_LOCAL_TUNNEL_CONFIG: JSON.stringify({
          mode: 'relay',
          host: '127.0.0.1',
          port,
          issuerUrl: url,
          secret,
          auth,
        }),
      });
      await relay.line(/listening/);
      const token = seal(secret);
      const state = join(home, '.config/mcp-local-tunnel');
      await mkdir(state, { recursive: true });
      const cached = { accessToken: token, expiresAt: Date.now() + DAY_MS, clientId: 'mcp-local-tunnel-agent' };
      await writeFile(join(state, `tokens-localhost_${port}.json`), JSON.stringify(cached), { mode: 0o600 });
      agent = new Child(node(program, ['--internal-daemon-process-do-not-use-directly'], 'older-agent'), {
        ...base,
        MCP_LOCAL_TUNNEL_CONFIG: JSON.stringify({
          mode: 'agent',
          relay: url,
          name: 'bench',
          servers: { local: { command: localServer('older-local') } },
        }),
      });
      await agent.line(/Serving/);
      const [local] = childrenOf(agent.pid);
      return { url: `${url}/mcp`, token, tool: 'local__echo', pids: { relay: relay.pid, agent: agent.pid, local } };
    },
    async stop() {
      await agent?.stop();
      await relay?.stop();
      if (home !== undefined) await rm(home, { recursive: true, force: true });
    },
  };
}

/** An access token as that relay makes them: sealed with AES-256-GCM. */
function seal(secret) {
  const key = createHash('sha256').update(secret).digest();
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const payload = { type: 'access', clientId: 'bench', userId: 'bench', scopes: [], expiresAt: Date.now() + DAY_MS };
  const sealed = Buffer.concat([cipher.update(JSON.stringify(payload)), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}
