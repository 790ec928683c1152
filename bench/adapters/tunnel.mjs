import { randomBytes } from 'node:crypto';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { Stage } from '../../scripts/demo/stage.mjs';
import { localServer } from '../lib/child.mjs';
import { childrenOf } from '../lib/cpu.mjs';
import { LIMITS } from '../lib/limits.mjs';
import { tokenMaker } from '../lib/tokens.mjs';

/** This project: its relay with all checks, its agent with two local servers, and a client that has signed in. */
export function tunnel() {
  let stage;
  return {
    name: 'tunnel',
    async start() {
      stage = await Stage.open();
      const secret = randomBytes(32).toString('base64url');
      const relay = await stage.relay(await freePort(0), { limits: LIMITS, secret });
      const agent = await stage.agent({
        local: { command: localServer() },
        quick: { command: localServer('quick') },
      });
      const { client, token } = await stage.client();
      await client.close();
      const makeToken = await tokenMaker(secret, stage.url);
      return {
        url: `${stage.url}/mcp`,
        token,
        tool: 'local__echo',
        // Of another local server on the same device.
        besideTool: 'quick__echo',
        linkToken: (user) => makeToken(user, '/ws', 'tunnel'),
        pids: { relay: relay.pid, agent: agent.pid, local: Math.min(...childrenOf(agent.pid)) },
      };
    },
    stop: async () => stage?.stop(),
  };
}
