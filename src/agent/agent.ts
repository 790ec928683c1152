import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { AgentConfig } from '../config/config.js';
import { agentEnvironment } from '../config/environment.js';
import { statePaths } from '../config/paths.js';
import type { Frame } from '../protocol/frames.js';
import type { Hello, Welcome } from '../protocol/messages.js';
import type { Agent, AgentOptions, AgentSnapshot, LinkState } from './agent-types.js';
import { requestStateKey } from './calls/bridge/state-key.js';
import { ResultFit } from './calls/fit/result-fit.js';
import { type CallRunner, callRunner } from './calls/run-call.js';
import { RunningCalls } from './calls/wire/running-calls.js';
import { Catalogs } from './catalogs.js';
import { deviceIdentity } from './credentials/device-identity.js';
import type { Connection } from './link/connection.js';
import { Link } from './link/link.js';
import { useProxyForFetch } from './network.js';
import { createLocalServers } from './servers/local-servers.js';
import type { LocalServers, ServerState } from './servers/types.js';

/** Until the relay's welcome says otherwise. */
const RESULT_BYTES = 64 * 1024 * 1024;

/** One agent: its local servers, the link to its relay, and the calls between them. */
export function createAgent(config: AgentConfig, options: AgentOptions): Agent {
  return new RunningAgent(config, options);
}

class RunningAgent implements Agent {
  readonly #servers: LocalServers;
  readonly #runner: CallRunner;
  readonly #calls: RunningCalls;
  readonly #catalogs: Catalogs;
  readonly #link: Link;
  readonly #listeners = new Set<(snapshot: AgentSnapshot) => void>();
  readonly #draining = new Set<Connection>();
  /** Calls are taken up again after a lost link only by the same start of the agent. */
  readonly #instance = randomBytes(16).toString('hex');
  #machine = '';
  /** Read before the first call comes. */
  #stateKey: Uint8Array = new Uint8Array();
  #resultBytes = RESULT_BYTES;
  #state: LinkState = 'connecting';
  #since = Date.now();
  #problem: string | undefined;
  #told: string | undefined;
  /** Problem last told of each server. */
  readonly #toldOfServers = new Map<string, string>();
  #deviceName: string | undefined;
  #offered: readonly string[] = [];

  constructor(
    private readonly config: AgentConfig,
    private readonly options: AgentOptions,
  ) {
    const { logger, version } = options;
    this.#servers = createLocalServers(config.servers, {
      logger: logger.child('servers'),
      clientInfo: { name: 'mcp-local-tunnel', version },
      environment: agentEnvironment(),
      clientFit: config.clientFit,
      eraFile: join(statePaths(config).dir, 'eras.json'),
      events: {
        catalog: (server) => this.#catalogs.send(server, this.#link.current),
        state: (state) => this.#serverState(state),
        inputRead: () => this.#calls.inputRead(),
      },
    });
    this.#catalogs = new Catalogs(this.#servers);
    this.#runner = callRunner({
      servers: this.#servers,
      logger: logger.child('calls'),
      resultBytes: () => this.#resultBytes,
      fit: new ResultFit({ enabled: config.clientFit }),
      stateKey: () => this.#stateKey,
    });
    this.#calls = new RunningCalls(this.#runner.run, {
      holdBack: (server, held) => this.#servers.holdBack(server, held),
      unread: (server, session) => this.#servers.unreadInput(server, session),
    });
    this.#link = new Link(
      {
        relay: config.relay,
        version,
        credentials: options.credentials,
        logger: logger.child('link'),
        whenRefused: options.whenRefused ?? 'stop',
      },
      {
        hello: () => this.#hello(),
        online: (connection, welcome) => this.#online(connection, welcome),
        frame: (frame: Frame, connection) => this.#calls.frame(frame, connection),
        mark: (connection) => this.#calls.mark(connection.sender),
        delivered: (connection) => this.#calls.delivered(connection.sender),
        offline: (connection) => {
          this.#draining.delete(connection);
          this.#calls.detach(connection.sender);
        },
        draining: (connection) => this.#draining.add(connection),
        state: (state, problem) => this.#setState(state, problem),
      },
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    await useProxyForFetch();
    this.#machine = (await deviceIdentity(this.config)).machineId;
    this.#stateKey = await requestStateKey(this.config);
    this.#servers.start();
    try {
      await this.#link.run(signal);
    } finally {
      this.#calls.close();
      this.#runner.close();
      await this.#servers.close();
    }
  }

  snapshot(): AgentSnapshot {
    return {
      link: this.#state,
      since: this.#since,
      relay: this.config.relay,
      ...(this.#deviceName === undefined ? {} : { deviceName: this.#deviceName }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      servers: this.#servers.states(),
      callsRunning: this.#calls.running,
      held: { ...this.#calls.held, ...this.#servers.held(), ...this.#runner.held },
      version: this.options.version,
      pid: process.pid,
    };
  }

  restart(server: string | undefined, signal: AbortSignal): Promise<readonly ServerState[]> {
    return this.#servers.restart(server, signal);
  }

  onChange(listener: (snapshot: AgentSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #hello(): Hello {
    this.#offered = this.#calls.resumable(new Set([...this.#draining].map((connection) => connection.sender)));
    return {
      versions: [1],
      instance: this.#instance,
      machine: this.#machine,
      name: this.config.name,
      app: { version: this.options.version, platform: process.platform },
      calls: this.#offered,
      servers: this.#servers.states().map(({ name, status }) => ({ name, status })),
    };
  }

  #online(connection: Connection, welcome: Welcome): void {
    this.#resultBytes = welcome.resultBytes;
    this.#calls.attach(connection, this.#offered, welcome.calls);
    this.#catalogs.sendAll(connection);
    const { logger } = this.options;
    if (welcome.name !== this.#deviceName) {
      this.#deviceName = welcome.name;
      if (welcome.name !== this.config.name) {
        logger.warn(`another device is called "${this.config.name}": this one goes by "${welcome.name}"`);
      }
    }
  }

  #serverState(state: ServerState): void {
    this.#tellServer(state);
    this.#catalogs.send(state.name, this.#link.current);
    this.#changed();
  }

  /** A server that fails over and over tells its problem once, until it has been ready or has another one. */
  #tellServer({ name, status, tools, problem }: ServerState): void {
    const { logger } = this.options;
    const line = `server ${name} ${status}`;
    if (status === 'ready') logger.info(line, { tools });
    else if (problem === undefined || status === 'stopped') logger.info(line);
    else if (problem !== this.#toldOfServers.get(name)) logger.warn(`${line}: ${problem}`);
    if (status === 'ready') this.#toldOfServers.delete(name);
    else if (problem !== undefined) this.#toldOfServers.set(name, problem);
  }

  #setState(state: LinkState, problem?: string): void {
    if (state === this.#state && problem === this.#problem) return;
    const before = this.#state;
    this.#problem = problem;
    if (state !== before) {
      this.#state = state;
      this.#since = Date.now();
    }
    this.#tell(state, problem);
    this.#changed();
  }

  /** Says what changed for whoever watches, and each problem once however often it comes back. */
  #tell(state: LinkState, problem: string | undefined): void {
    const { logger, whenRefused } = this.options;
    if (state === 'online') logger.info(`online at ${this.config.relay} as ${this.#deviceName}`);
    // Who asked to stop is told by the error that ends the run.
    else if (problem === this.#told || (state === 'refused' && whenRefused !== 'wait')) return;
    else if (state === 'refused') logger.error(problem ?? 'refused');
    else if (problem !== undefined) logger.warn(problem);
    else return;
    this.#told = problem;
  }

  #changed(): void {
    const snapshot = this.snapshot();
    for (const listener of this.#listeners) listener(snapshot);
  }
}
