import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { FormBrowser } from './form-browser.mjs';
import { DemoOAuthClient } from './oauth-client.mjs';
import { Program } from './program.mjs';

/** A relay and an agent on this machine, with everything they keep in one temporary folder. */
export class Stage {
  account = { name: 'demo', password: randomBytes(12).toString('base64url') };
  #browser = new FormBrowser();
  #programs = [];
  #stopping;

  static async open() {
    const stage = new Stage();
    stage.folder = await mkdtemp(join(tmpdir(), 'mcp-local-tunnel-demo-'));
    return stage;
  }

  /** Ends every process, newest first, and leaves no file. */
  stop() {
    this.#stopping ??= (async () => {
      for (const program of this.#programs.reverse()) await program.stop();
      await rm(this.folder, { recursive: true, force: true });
    })();
    return this.#stopping;
  }

  /** Starts a relay with its built-in account, made through the one-time link. */
  async relay(port, more = {}) {
    this.url = `http://localhost:${port}`;
    const dataDir = join(this.folder, 'relay');
    await this.#config('relay', { mode: 'relay', host: '127.0.0.1', port, dataDir, ...more });
    const relay = this.run('relay');
    const [link] = await relay.line(/https?:\/\/\S+\/setup#\S+/);
    const [page, token] = link.split('#');
    const { name, password } = this.account;
    await this.#browser.submit(await this.#browser.open(page), { token, name, password, again: password });
    return relay;
  }

  /** Logs an agent in, as on a machine without a browser, and starts it; resolves once all its servers are ready. */
  async agent(servers) {
    await this.#config('agent', { mode: 'agent', relay: this.url, name: 'demo-laptop', servers });
    const login = this.run('login', '--no-browser');
    const [url] = await login.line(/https?:\/\/\S+\/device$/);
    const [user_code] = await login.line(/[B-Z]{4}-[B-Z]{4}$/);
    const page = await this.#browser.open(url);
    await this.#allow(await this.#browser.submit(page, { user_code }));
    if ((await login.ended()) !== 0) throw new Error('login failed');
    const agent = this.run('agent', '--foreground');
    const ready = Object.keys(servers).map((name) => agent.line(new RegExp(`server ${name} ready`)));
    await Promise.all([agent.line(/online at/), ...ready]);
    return agent;
  }

  /** A published MCP client, signed in from its first 401 on. @returns the client and its access token */
  async client() {
    const endpoint = new URL(`${this.url}/mcp`);
    const home = new URL(DemoOAuthClient.redirect);
    const authProvider = new DemoOAuthClient((url) => this.#signIn(url, (at) => at.host === home.host));
    const client = new Client({ name: 'demo', version: '1.0.0' });
    const first = new StreamableHTTPClientTransport(endpoint, { authProvider });
    try {
      await client.connect(first);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await first.finishAuth(authProvider.code);
    }
    await client.connect(new StreamableHTTPClientTransport(endpoint, { authProvider }));
    return { client, token: authProvider.tokens().access_token };
  }

  /** Consent, then the sign-in form unless this browser is signed in already. */
  async #signIn(url, stop) {
    return this.#allow(await this.#browser.open(url, stop), stop);
  }

  async #allow(consent, stop = () => false) {
    let page = await this.#browser.submit(consent, { decision: 'allow' }, stop);
    if (page.html.includes('type="password"')) page = await this.#browser.submit(page, this.account, stop);
    return page.url;
  }

  /** Starts a command with the config made before: `relay` with the relay's, all others with the agent's. */
  run(command, ...flags) {
    const home = this.folder;
    const args = [command, ...flags, '--config', this.#file(command === 'relay' ? 'relay' : 'agent')];
    const program = new Program(args, { HOME: home, XDG_CONFIG_HOME: home, APPDATA: home, LOCALAPPDATA: home });
    this.#programs.push(program);
    return program;
  }

  async #config(name, config) {
    await writeFile(this.#file(name), JSON.stringify(config, null, 2), { mode: 0o600 });
  }

  #file(name) {
    return join(this.folder, `${name}.config.json`);
  }
}
