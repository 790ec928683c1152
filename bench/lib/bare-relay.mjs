import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { Program } from '../../scripts/demo/program.mjs';
import { LIMITS } from './limits.mjs';
import { tokenMaker } from './tokens.mjs';

/** A relay alone, of which this benchmark knows the secret: for crowds of agents and of users. */
export class BareRelay {
  #folder;
  #file;
  #program;
  #token;

  /** @param limits more that are raised */
  static async start(limits = {}) {
    const relay = new BareRelay();
    const port = await freePort(0);
    relay.url = `http://localhost:${port}`;
    relay.#folder = await mkdtemp(join(tmpdir(), 'mcp-local-tunnel-bench-'));
    relay.#file = join(relay.#folder, 'relay.config.json');
    const secret = randomBytes(32).toString('base64url');
    const dataDir = join(relay.#folder, 'relay');
    const config = { mode: 'relay', host: '127.0.0.1', port, dataDir, secret, limits: { ...LIMITS, ...limits } };
    await writeFile(relay.#file, JSON.stringify(config), { mode: 0o600 });
    relay.#token = await tokenMaker(secret, relay.url);
    await relay.up();
    return relay;
  }

  get pid() {
    return this.#program.pid;
  }

  /** A token for an agent's link. */
  linkToken(user) {
    return this.#token(user, '/ws', 'tunnel');
  }

  /** What a client of this user needs. */
  async system(user, tool) {
    return { url: `${this.url}/mcp`, token: await this.#token(user, '/mcp', 'mcp'), tool };
  }

  async up() {
    const home = this.#folder;
    this.#program = new Program(['relay', '--config', this.#file], { HOME: home, XDG_CONFIG_HOME: home });
    await this.#program.line(/relay is up/);
  }

  /** @param signal SIGTERM: in good order; SIGKILL: as a crash */
  async down(signal) {
    process.kill(this.pid, signal);
    await this.#program.ended();
  }

  async stop() {
    await this.#program.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
