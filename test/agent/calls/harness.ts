import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ResultFit } from '../../../src/agent/calls/fit/result-fit.js';
import { type CallRunner, callRunner } from '../../../src/agent/calls/run-call.js';
import type { CallAnswer, CallOutput } from '../../../src/agent/calls/wire/running-call.js';
import type { Clock } from '../../../src/agent/servers/clock.js';
import type { AskReply, LocalServers } from '../../../src/agent/servers/types.js';
import type { StdioServerConfig } from '../../../src/config/config.js';
import type { CallClient, CallHead } from '../../../src/protocol/call-messages.js';
import { loggerTo } from '../../helpers/logger.js';
import { atEnd, ready, tempFolder } from '../../servers/harness.js';

const fixture = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Clients as the relay tells of them. */
export const MODERN: CallClient = {
  era: 'modern',
  protocolVersion: '2026-07-28',
  endpoint: 'server',
  id: 'client-1',
  session: 'client-1',
  capabilities: { elicitation: { form: {}, url: {} }, sampling: {} },
  ask: 'mrtr',
};
export const LEGACY: CallClient = {
  ...MODERN,
  era: 'legacy',
  protocolVersion: '2025-11-25',
  session: 'session-1',
  ask: 'push',
};

export interface Asked {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

export interface Answer {
  readonly kind: 'result' | 'error';
  /** As the client gets it. */
  readonly json: string;
  readonly value: Record<string, unknown>;
}

/** What a client of a call sees, and does. */
export interface ClientSide {
  readonly events: Record<string, unknown>[];
  readonly asked: Asked[];
  readonly leave: AbortController;
  output: CallOutput;
}

/** @param answer how the client answers questions that come during its call; undefined: not at all */
export function clientSide(answer: (asked: Asked) => AskReply | undefined = () => undefined): ClientSide {
  const leave = new AbortController();
  const events: Record<string, unknown>[] = [];
  const asked: Asked[] = [];
  return {
    events,
    asked,
    leave,
    output: {
      signal: leave.signal,
      room: () => undefined,
      leftOut: 0,
      event: (json) => events.push(JSON.parse(json.toString('utf8'))),
      ask: (method, params, signal) =>
        new Promise((resolve, reject) => {
          const question = { method, params: JSON.parse(Buffer.from(params).toString('utf8')) };
          asked.push(question);
          for (const over of [signal, leave.signal]) over.addEventListener('abort', () => reject(over.reason));
          const reply = answer(question);
          if (reply !== undefined) resolve(reply);
        }),
    },
  };
}

export const replied = (value: unknown): AskReply => ({ kind: 'result', json: Buffer.from(JSON.stringify(value)) });

export interface Bench {
  readonly servers: LocalServers;
  readonly runner: CallRunner;
  /** What the servers did, in order. */
  did(): Promise<Record<string, unknown>[]>;
  /** Resolves once a server has done something that fits. */
  until(fits: (deed: Record<string, unknown>) => boolean): Promise<void>;
  /** A second agent on the same servers, as after a restart. */
  restarted(): Bench;
  call(tool: string, args?: object, over?: CallOver): Promise<Answer>;
}

export interface CallOver {
  readonly server?: 'legacy' | 'modern';
  readonly client?: Partial<CallClient>;
  readonly head?: Partial<CallHead>;
  readonly side?: ClientSide;
  /** Members of params besides name and arguments. */
  readonly params?: object;
}

export interface BenchOptions {
  readonly clock?: Clock;
  readonly legacy?: Partial<StdioServerConfig>;
  readonly modern?: Partial<StdioServerConfig>;
}

/** The two servers and an agent's calls on them. */
export async function bench({ clock, legacy = {}, modern = {} }: BenchOptions = {}): Promise<Bench> {
  const log = join(await tempFolder(), 'log');
  const config = (name: string, over: Partial<StdioServerConfig>): StdioServerConfig => ({
    command: [process.execPath, fixture(name), log],
    env: {},
    disabled: false,
    ...over,
  });
  const { servers } = await ready({
    legacy: config('legacy-server.mjs', { era: 'legacy', ...legacy }),
    modern: config('modern-server.mjs', { era: 'modern', ...modern }),
  });
  const key = randomBytes(32);
  const did = async (): Promise<Record<string, unknown>[]> => {
    const text = await readFile(log, 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  };
  const until = async (fits: (deed: Record<string, unknown>) => boolean): Promise<void> => {
    const { promise, resolve } = deferred();
    const look = setInterval(async () => ((await did()).some(fits) ? resolve() : undefined), 20);
    await promise;
    clearInterval(look);
  };
  const make = (): Bench => {
    const runner = callRunner({
      servers,
      logger: loggerTo(() => {}),
      resultBytes: () => 1024 * 1024,
      fit: new ResultFit({ enabled: true }),
      stateKey: () => key,
      ...(clock === undefined ? {} : { clock }),
    });
    atEnd(async () => runner.close());
    return { servers, runner, did, until, restarted: make, call: caller(runner) };
  };
  return make();
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function caller(runner: CallRunner): Bench['call'] {
  return async (
    tool,
    args = {},
    { server = 'legacy', client = {}, head = {}, side = clientSide(), params = {} } = {},
  ) => {
    const full: CallHead = { server, method: 'tools/call', client: { ...MODERN, ...client }, ...head };
    const text = JSON.stringify({ name: tool, arguments: args, ...params });
    return answerOf(await runner.run(full, Buffer.from(text), side.output));
  };
}

export function answerOf({ kind, json }: CallAnswer): Answer {
  const text = json.toString('utf8');
  return { kind, json: text, value: JSON.parse(text) };
}

/** The text of the first content block, parsed if it is JSON. */
export function said({ value }: Answer): unknown {
  const text = (value.content as { text?: string }[] | undefined)?.[0]?.text ?? '';
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
