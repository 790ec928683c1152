import { freePort } from '../../scripts/demo/free-port.mjs';
import { Child, localServer, node, program } from '../lib/child.mjs';
import { childrenOf } from '../lib/cpu.mjs';

/** The least a tunnel can be; see programs/floor-relay.mjs. */
export function floor() {
  let relay;
  let agent;
  return {
    name: 'floor',
    async start() {
      const port = await freePort(0);
      relay = new Child(node(program('floor-relay'), [String(port)]));
      agent = new Child(node(program('floor-agent'), [`ws://127.0.0.1:${port}`, ...localServer('floor-local')]));
      await relay.line(/^agent$/);
      const [local] = childrenOf(agent.pid);
      return { url: `http://127.0.0.1:${port}/mcp`, tool: 'echo', pids: { relay: relay.pid, agent: agent.pid, local } };
    },
    async stop() {
      await agent?.stop();
      await relay?.stop();
    },
  };
}
