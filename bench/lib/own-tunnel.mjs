import { freePort } from '../../scripts/demo/free-port.mjs';
import { Stage } from '../../scripts/demo/stage.mjs';
import { localServer } from './child.mjs';
import { Client } from './client.mjs';
import { LIMITS } from './limits.mjs';

/** A relay and an agent that a scenario may stop and start again: account, login and client are there already. */
export class OwnTunnel {
  static async open() {
    const own = new OwnTunnel();
    own.stage = await Stage.open();
    own.relay = await own.stage.relay(await freePort(0), { limits: LIMITS });
    own.agent = await own.stage.agent({ local: { command: localServer() } });
    const { client, token } = await own.stage.client();
    await client.close();
    own.port = Number(new URL(own.stage.url).port);
    own.system = { url: `${own.stage.url}/mcp`, token, tool: 'local__echo' };
    return own;
  }

  /** Starts what was stopped; neither is ready yet. */
  startRelay() {
    this.relay = this.stage.run('relay');
  }

  startAgent() {
    this.agent = this.stage.run('agent', '--foreground');
  }

  async stopBoth() {
    await this.agent.stop();
    await this.relay.stop();
  }

  close() {
    return this.stage.stop();
  }
}

/** Tries until `attempt` succeeds. */
export async function untilRight(attempt, pauseMs = 5) {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** A first tools/list with its tool in it, by a client that has just been started. */
export async function firstList(system) {
  await untilRight(async () => {
    const client = new Client(system);
    try {
      await client.open();
      await client.list(1);
    } finally {
      client.close();
    }
  });
}
