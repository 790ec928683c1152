import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { type Clock, systemClock } from '../../src/agent/servers/clock.js';
import { createLocalServers, type LocalServersOptions } from '../../src/agent/servers/local-servers.js';
import type { LocalServers, RequestContext, RequestOutcome, ServerState } from '../../src/agent/servers/types.js';
import type { HttpServerConfig, LocalServerConfig, StdioServerConfig } from '../../src/config/config.js';
import { agentEnvironment } from '../../src/config/environment.js';
import type { ServerOffer } from '../../src/protocol/messages.js';
import { loggerTo } from '../helpers/logger.js';
import { tempFolder as newFolder } from '../helpers/temp.js';

export const fixture = (name: string) => fileURLToPath(new URL(`../helpers/fixtures/${name}`, import.meta.url));
export const nodeModule = (path: string) => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));

/** A config entry for the stdio fixture server with these options. */
export const scripted = (options: object = {}, over: Partial<StdioServerConfig> = {}): StdioServerConfig => ({
  command: [process.execPath, fixture('stdio-server.mjs'), JSON.stringify(options)],
  env: {},
  disabled: false,
  ...over,
});

export const http = (url: string, headers: Record<string, string> = {}): HttpServerConfig => ({
  url,
  headers,
  disabled: false,
});

/** A clock whose long timers (restarts, time-outs) run when told; short ones (debounce) run by themselves. */
export class TestClock implements Clock {
  readonly waiting: { readonly ms: number; readonly task: () => void }[] = [];
  offset = 0;
  now = () => systemClock.now() + this.offset;
  after(ms: number, task: () => void): () => void {
    if (ms < 250) return systemClock.after(1, task);
    const entry = { ms, task };
    this.waiting.push(entry);
    return () => void this.#remove(entry);
  }
  /** Runs the first timer of that many milliseconds. */
  fire(ms: number): void {
    const entry = this.waiting.find((candidate) => candidate.ms === ms);
    if (!entry) throw new Error(`no timer of ${ms} ms, only ${this.waiting.map((other) => other.ms).join(', ')}`);
    this.#remove(entry);
    this.offset += ms;
    entry.task();
  }
  #remove(entry: { readonly ms: number; readonly task: () => void }): void {
    const index = this.waiting.indexOf(entry);
    if (index >= 0) this.waiting.splice(index, 1);
  }
}

export interface Harness {
  readonly servers: LocalServers;
  readonly states: ServerState[];
  readonly catalogs: { readonly server: string; readonly catalog: ServerOffer | undefined }[];
  readonly warnings: string[];
  /** Resolves with the first state, past or to come, that fits. */
  state(fits: (state: ServerState) => boolean): Promise<ServerState>;
  /** Resolves with the first catalog event from the given index on that fits. */
  catalog(fits: (catalog: ServerOffer | undefined) => boolean, from?: number): Promise<ServerOffer | undefined>;
  call(server: string, name: string, args?: object, context?: Partial<RequestContext>): Promise<RequestOutcome>;
}

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Runs after the test, the last one first. */
export function atEnd(end: () => Promise<unknown>): void {
  ends.push(end);
}

/** Path of an empty folder that goes after the test. */
export async function tempFolder(): Promise<string> {
  const folder = await newFolder('servers');
  atEnd(async () => folder[Symbol.asyncDispose]());
  return folder.path;
}

interface LoggedMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string };
}

/** The messages that the stdio fixture server wrote into its log. */
export async function logged(path: string): Promise<LoggedMessage[]> {
  const text = await readFile(path, 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Local servers that are closed after the test, and what they told. */
export function harness(
  config: Record<string, LocalServerConfig>,
  options: Partial<LocalServersOptions> = {},
): Harness {
  const states: ServerState[] = [];
  const catalogs: { server: string; catalog: ServerOffer | undefined }[] = [];
  const warnings: string[] = [];
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of waiters) waiter();
  };
  const logger = loggerTo((level, message) => {
    if (level === 'warn' || level === 'error') warnings.push(message);
  });
  const servers = createLocalServers(config, {
    logger,
    clientInfo: { name: 'test', version: '0.0.0' },
    environment: agentEnvironment({ PATH: process.env.PATH, HOME: process.env.HOME, SHELL: '/none' }),
    events: {
      state: (state) => {
        states.push(state);
        wake();
      },
      catalog: (server, catalog) => {
        catalogs.push({ server, catalog });
        wake();
      },
    },
    ...options,
  });
  atEnd(() => servers.close());
  const until = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const check = () => {
        const found = look();
        if (found === undefined) return;
        waiters.delete(check);
        resolve(found);
      };
      waiters.add(check);
      check();
    });
  return {
    servers,
    states,
    catalogs,
    warnings,
    state: (fits) => until(() => states.find(fits)),
    catalog: async (fits, from = 0) =>
      (await until(() => catalogs.slice(from).find(({ catalog }) => fits(catalog)))).catalog,
    call: (server, name, args = {}, context = {}) =>
      servers.request(server, 'tools/call', Buffer.from(JSON.stringify({ name, arguments: args })), {
        signal: new AbortController().signal,
        ...context,
      }),
  };
}

export async function ready(
  config: Record<string, LocalServerConfig>,
  options: Partial<LocalServersOptions> = {},
): Promise<Harness> {
  const made = harness(config, options);
  made.servers.start();
  await made.servers.settled(AbortSignal.timeout(20_000));
  return made;
}

/** The parsed result; fails the test on an error outcome. */
export function resultOf(outcome: RequestOutcome): Record<string, unknown> {
  if (outcome.kind === 'error') throw new Error(`error ${outcome.error.code}: ${outcome.error.message}`);
  return JSON.parse(Buffer.from(outcome.json).toString('utf8')) as Record<string, unknown>;
}

/** The text of the first content block. */
export function textOf(outcome: RequestOutcome): string {
  const { content } = resultOf(outcome) as { content?: { text?: string }[] };
  return content?.[0]?.text ?? '';
}

/** The process id that the stdio fixture server tells in its serverInfo. */
export function pidOf(state: { readonly serverInfo?: Record<string, unknown> } | undefined): number {
  return Number(state?.serverInfo?.pid);
}
