import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { PlainBrowser, type VisitedPage } from '../auth/login/plain-browser.js';
import { obtainTokens, TestClient } from './clients.js';
import { startOidcProvider, type TestOidcProvider } from './oidc-provider.js';
import { expectNoneLeft, Program, type ProgramOptions, run } from './program.js';
import { type TempFolder, tempFolder } from './temp.js';

/** Every test signs in from one address, many times. */
const GENEROUS = {
  requestsPerMinute: 100_000,
  tokensPerMinute: 100_000,
  registrationsPerHour: 100_000,
  signInsPerMinute: 100_000,
};

export const PASSWORD = 'walnut harbour sings';
const PEOPLE = ['alice', 'bob'] as const;
export type Person = (typeof PEOPLE)[number];

export interface SystemOptions {
  readonly limits?: Readonly<Record<string, number>>;
  /** True: the relay's own accounts, `alice` being the owner; otherwise people sign in at a provider on loopback. */
  readonly builtIn?: boolean;
  /** More of the relay's config. */
  readonly relay?: Readonly<Record<string, unknown>>;
  /** More arguments of the relay. */
  readonly args?: readonly string[];
  readonly program?: Omit<ProgramOptions, 'home' | 'stdin'>;
  /** What clients and agents reach instead of the relay's own port; told the port once it is known. */
  readonly front?: { readonly url: string; target: number };
}

/** What a person allows a client beyond what every client may. */
export interface Allowed {
  /** The scope `mcp:manage`. */
  readonly manage?: boolean;
}

export interface AgentOptions {
  /** Default: `laptop`, alice's. */
  readonly name?: string;
  readonly person?: Person;
  readonly servers: Readonly<Record<string, object>>;
  /** Instead of the relay's own address, e.g. a proxy's in front of it. */
  readonly relay?: string;
  readonly args?: readonly string[];
  readonly program?: Omit<ProgramOptions, 'home' | 'stdin'>;
}

/** One machine with an agent's config, logged in or not. */
export class Machine {
  constructor(
    readonly home: string,
    readonly config: string,
    private readonly options: AgentOptions,
    private readonly system: System,
  ) {}

  get #program(): ProgramOptions {
    return { ...this.options.program, home: this.home };
  }

  /** Logs in as where the browser is elsewhere. @returns what it wrote to standard output */
  async login(...args: readonly string[]): Promise<string> {
    const command = ['login', '--no-browser', '--config', this.config, ...args];
    await using login = new Program(command, this.#program);
    await this.approve(login);
    const { code } = await login.ended;
    if (code !== 0) throw new Error(`login ended with ${code}:\n${login.output}`);
    return login.stdout;
  }

  /** Opens the address that the program tells, types its code there and signs in. */
  async approve(program: Program): Promise<void> {
    const [url] = await program.line(/https?:\/\/[^\s"]+\/device\b/);
    const [code] = await program.line(/\b[B-Z]{4}-[B-Z]{4}\b/);
    await this.system.connect(url, code, this.options.person);
  }

  /** The agent as a person starts it at a terminal. */
  startAtTerminal(...args: readonly string[]): Program {
    const all = ['agent', '--config', this.config, ...args];
    return this.system.keep(new Program(all, { ...this.#program, stdin: 'terminal' }));
  }

  /** The agent in the foreground, ended with the system. */
  start(...args: readonly string[]): Program {
    const all = ['agent', '--foreground', '--config', this.config, ...(this.options.args ?? []), ...args];
    return this.system.keep(new Program(all, this.#program));
  }

  /** Starts the agent, and waits until it is online and each of its servers that can be is ready. */
  async up(...args: readonly string[]): Promise<Program> {
    const agent = this.start(...args);
    const ready = Object.keys(this.options.servers).map((name) => agent.line(new RegExp(`server ${name} ready`)));
    await Promise.all([agent.line(/online at/), ...ready]);
    return agent;
  }

  run(...args: readonly string[]) {
    return run([...args, '--config', this.config], this.#program);
  }

  write(change: Readonly<Record<string, unknown>>): Promise<void> {
    return writeConfig(this.config, { mode: 'agent', ...change });
  }
}

/** A relay as a process of its own, the provider people sign in at, and the agents' machines. */
export class System implements AsyncDisposable {
  relay!: Program;
  /** Public URL. */
  url = '';
  /** Where it listens. */
  port = 0;
  /** The one-time link, of a relay with accounts of its own. */
  setupLink = '';
  readonly #programs: Program[] = [];
  readonly #browsers = new Map<string, PlainBrowser>();
  readonly #tokens = new Map<string, string>();
  #machines = 0;

  private constructor(
    private readonly folder: TempFolder,
    readonly provider: TestOidcProvider | undefined,
    private readonly options: SystemOptions,
  ) {}

  static async start(options: SystemOptions = {}): Promise<System> {
    const people = PEOPLE.map((name) => [name, { password: PASSWORD, claims: { email: `${name}@example.com` } }]);
    const provider = options.builtIn ? undefined : await startOidcProvider({ accounts: Object.fromEntries(people) });
    const system = new System(await tempFolder('e2e'), provider, options);
    try {
      await system.startRelay();
      if (options.builtIn) await system.#setUp();
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
    return system;
  }

  get path(): string {
    return this.folder.path;
  }

  get dataDir(): string {
    return join(this.path, 'relay-data');
  }

  get endpoint(): string {
    return `${this.url}/mcp`;
  }

  /** Starts the relay; the second time at the same port, over the same data. */
  async startRelay(program = this.options.program): Promise<void> {
    const home = join(this.path, 'relay');
    await mkdir(home, { recursive: true });
    if (this.port === 0) this.port = await freePort();
    const { provider } = this;
    const { front } = this.options;
    const config = join(home, 'relay.json');
    await writeConfig(config, {
      mode: 'relay',
      host: '127.0.0.1',
      port: this.port,
      dataDir: this.dataDir,
      ...(provider === undefined ? {} : { auth: { issuer: provider.issuer, allow: {} } }),
      ...(front === undefined ? {} : { issuerUrl: front.url }),
      ...this.options.relay,
      limits: { ...GENEROUS, ...this.options.limits },
    });
    const { args = [] } = this.options;
    this.relay = this.keep(new Program(['relay', '--config', config, ...args], { ...program, home }));
    const [, url = '', port] = await this.relay.line(/relay is up url=(\S+) .*port=(\d+)/);
    this.url = url;
    this.port = Number(port);
    if (front !== undefined) front.target = this.port;
    provider?.allowRedirect(`${this.url}/callback`);
  }

  /** Ended, in the order of their start's reverse, when the system ends. */
  keep(program: Program): Program {
    this.#programs.push(program);
    return program;
  }

  /** A machine that has not logged in yet. */
  async machine(options: AgentOptions): Promise<Machine> {
    this.#machines += 1;
    const name = options.name ?? 'laptop';
    const home = join(this.path, `${name}-${this.#machines}`);
    await mkdir(home);
    const machine = new Machine(home, join(home, 'agent.json'), options, this);
    await machine.write({ relay: options.relay ?? this.url, name, servers: options.servers });
    return machine;
  }

  /** A machine with its agent up. */
  async agent(options: AgentOptions): Promise<{ readonly machine: Machine; readonly agent: Program }> {
    const machine = await this.machine(options);
    await machine.login();
    return { machine, agent: await machine.up() };
  }

  /**
   * Consent, the form where nobody is signed in yet, and on to wherever the client wants its answer.
   * @param allowed `manage`: the person ticks the box for restarting servers
   */
  async signIn(url: string, person: Person = 'alice', allowed: Allowed = {}): Promise<VisitedPage> {
    return this.#allow(await this.#browser(person).visit(url), person, allowed);
  }

  /** The page for codes, then as signIn. */
  async connect(url: string, code: string, person: Person = 'alice'): Promise<VisitedPage> {
    const page = await this.#browser(person).visit(url);
    return this.#allow(await page.submit({ user_code: code }), person);
  }

  async #allow(consent: VisitedPage, person: Person, allowed: Allowed = {}): Promise<VisitedPage> {
    const asked = await consent.submit({ decision: 'allow', ...(allowed.manage ? { manage: 'yes' } : {}) });
    return asked.html.includes('type="password"') ? asked.submit({ name: person, password: PASSWORD }) : asked;
  }

  #browser(person: Person): PlainBrowser {
    const browser = this.#browsers.get(person) ?? new PlainBrowser();
    this.#browsers.set(person, browser);
    return browser;
  }

  /** An access token for the endpoint, from a client of its own. */
  async token(person: Person = 'alice', allowed: Allowed = {}): Promise<string> {
    const key = allowed.manage ? `${person}, manage` : person;
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    const { access_token } = await obtainTokens(this.endpoint, (url) => this.signIn(url, person, allowed));
    this.#tokens.set(key, access_token);
    return access_token;
  }

  async client(person: Person = 'alice', allowed: Allowed = {}): Promise<TestClient> {
    return TestClient.connect(this.endpoint, await this.token(person, allowed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = await Promise.allSettled(
      this.#programs.toReversed().map((program) => program[Symbol.asyncDispose]()),
    );
    await this.provider?.close();
    await expectNoneLeft(this.path);
    await this.folder[Symbol.asyncDispose]();
    const problems = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    if (problems.length > 0) throw new AggregateError(problems, problems.join('\n'));
  }

  async #setUp(): Promise<void> {
    const [, link = '', token = ''] = await this.relay.line(/(https?:\/\/\S+\/setup)#(\S+)/);
    this.setupLink = `${link}#${token}`;
    const browser = new PlainBrowser();
    const page = await browser.visit(link);
    await page.submit({ token, name: 'alice', password: PASSWORD, again: PASSWORD });
  }
}

export function writeConfig(file: string, config: object): Promise<void> {
  return writeFile(file, JSON.stringify(config, null, 2), { mode: 0o600 });
}

const published = (name: string) =>
  fileURLToPath(new URL(`../../node_modules/@modelcontextprotocol/${name}/dist/index.js`, import.meta.url));

/** Published servers, as an agent's config names them. */
export function everything(): object {
  return { command: everythingCommand() };
}

/** To start it without an agent. */
export function everythingCommand(): [string, ...string[]] {
  return [process.execPath, published('server-everything')];
}

export function filesystem(folder: string): object {
  return { command: [process.execPath, published('server-filesystem'), folder] };
}

/** The server in e2e/fixtures, whose tools a test holds in its hand; see there for the options. */
export function gated(options: object = {}, more: object = {}): object {
  const path = fileURLToPath(new URL('../e2e/fixtures/gated-server.mjs', import.meta.url));
  return { command: [process.execPath, path, JSON.stringify(options)], ...more };
}
