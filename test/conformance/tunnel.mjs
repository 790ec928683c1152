// A relay, an agent and the fixture servers, each a process of its own; token proxies in front of the endpoints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { Stage } from '../../scripts/demo/stage.mjs';
import { startTokenProxy } from './token-proxy.mjs';

const fixture = (era) => fileURLToPath(new URL(`../fixtures/everything-${era}.mjs`, import.meta.url));
/** The suite asks much, from one address. */
const limits = { requestsPerMinute: 100_000, tokensPerMinute: 100_000, registrationsPerHour: 100_000 };
/** Asked for by fixtures whose client cannot be asked. */
const roots = [fileURLToPath(new URL('.', import.meta.url))];

async function startHttp(era) {
  const child = spawn(process.execPath, [fixture(era), '--http'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = await once(createInterface({ input: child.stdout }), 'line');
  return { url, child };
}

/** `direct`: URL of each era's fixture over HTTP. `through(path)`: URL that leads to that endpoint of the relay, token included. */
export class Tunnel {
  direct = {};
  #stage;
  #children = [];
  #proxies = [];
  #token;

  /** @param {readonly string[]} paths of endpoints; a merged one needs the servers of both eras */
  static async start(paths) {
    const tunnel = new Tunnel();
    try {
      await tunnel.#start(paths);
    } catch (error) {
      await tunnel.stop();
      throw error;
    }
    return tunnel;
  }

  async #start(paths) {
    const servers = {};
    for (const era of ['legacy', 'modern']) {
      const { url, child } = await startHttp(era);
      this.#children.push(child);
      this.direct[era] = url;
      const more = { sampling: true, ...(era === 'legacy' ? { roots } : {}) };
      const all = {
        [`${era}-stdio`]: { command: [process.execPath, fixture(era), '--stdio'], ...more },
        [`${era}-http`]: { url, ...more },
      };
      for (const [name, server] of Object.entries(all)) {
        if (paths.some((path) => path === '/mcp' || path.endsWith(`/${name}`))) servers[name] = server;
      }
    }
    this.#stage = await Stage.open();
    await this.#stage.relay(await freePort(3000), { limits });
    await this.#inTime(this.#stage.agent(servers));
    const { client, token } = await this.#stage.client();
    await client.close();
    this.#token = token;
  }

  /** Rejects when servers do not get ready. */
  async #inTime(agent) {
    let timer;
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the agent’s servers were not all ready after a minute')), 60_000);
    });
    try {
      await Promise.race([agent, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  get issuer() {
    return this.#stage.url;
  }

  get account() {
    return this.#stage.account;
  }

  async through(path) {
    const proxy = await startTokenProxy(`${this.#stage.url}${path}`, this.#token);
    this.#proxies.push(proxy);
    return proxy.url;
  }

  async stop() {
    for (const proxy of this.#proxies) await proxy.close();
    await this.#stage?.stop();
    for (const child of this.#children) {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }
}
