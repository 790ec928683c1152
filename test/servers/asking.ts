import type { AskReply, LocalServers, RequestContext, ServerAsk } from '../../src/agent/servers/types.js';
import type { StdioServerConfig } from '../../src/config/config.js';
import type { CallClient } from '../../src/protocol/call-messages.js';
import { fixture, type Harness, textOf } from './harness.js';

/** A config entry for the server that asks. */
export const asking = (over: Partial<StdioServerConfig> = {}, options: object = {}): StdioServerConfig => ({
  command: [process.execPath, fixture('asking-server.mjs'), JSON.stringify(options)],
  env: {},
  disabled: false,
  era: 'legacy',
  ...over,
});

export const client = (id: string, over: Partial<CallClient> = {}): CallClient => ({
  era: 'legacy',
  protocolVersion: '2025-11-25',
  endpoint: 'server',
  id,
  session: `session of ${id}`,
  capabilities: { elicitation: {} },
  ask: 'push',
  ...over,
});

export const modern = (id: string, over: Partial<CallClient> = {}): CallClient =>
  client(id, { era: 'modern', protocolVersion: '2026-07-28', ask: 'mrtr', ...over });

/** What a call of the server's tools brought, parsed. */
export async function tool(
  { call }: Harness,
  name: string,
  args: object = {},
  context: Partial<RequestContext> = {},
): Promise<Record<string, unknown>> {
  return JSON.parse(textOf(await call('one', name, args, context)));
}

export interface State {
  readonly pid: number;
  readonly calls: number;
  readonly seen: readonly (readonly [what: string, of: unknown])[];
  readonly declared: Record<string, unknown>;
}

/** What the server has seen since it was last asked; the agent's own question, so no client's. */
export async function stateOf(made: Harness): Promise<State> {
  return JSON.parse(JSON.stringify(await tool(made, 'state'))) as State;
}

/** What the server has seen, up to the first of this kind; waited for. */
export async function seenUpTo(made: Harness, kind: string): Promise<State['seen']> {
  const seen: State['seen'][number][] = [];
  while (!seen.some(([what]) => what === kind)) seen.push(...(await stateOf(made)).seen);
  return seen;
}

/** Replies with what is given, and keeps the questions. */
export function replying(reply: object | ((ask: ServerAsk) => Promise<AskReply>)) {
  const asked: ServerAsk[] = [];
  const onAsk = async (ask: ServerAsk): Promise<AskReply> => {
    asked.push(ask);
    return typeof reply === 'function' ? reply(ask) : result(reply);
  };
  return { asked, onAsk };
}

export const result = (value: object): AskReply => ({ kind: 'result', json: Buffer.from(JSON.stringify(value)) });

/** A question in a form. */
export const form = (message: string, more: object = {}) => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties: {} }, ...more },
});

type Told = readonly [method: string, params: Readonly<Record<string, unknown>>];

export interface Listening {
  readonly told: Told[];
  readonly ended: Promise<unknown>;
  /** The first told from here on that fits, waited for. */
  next(method: string): Promise<Readonly<Record<string, unknown>>>;
  stop(): void;
}

/** A `subscriptions/listen`; resolves once it is acknowledged or has ended. */
export async function listening(
  servers: LocalServers,
  from: CallClient,
  params: object,
  context: Partial<RequestContext> = {},
): Promise<Listening> {
  const told: Told[] = [];
  const waiting = new Set<() => void>();
  const abort = new AbortController();
  let read = 0;
  const look = (method: string) => {
    for (; read < told.length; ) {
      const [name, about] = told[read++] ?? [];
      if (name === method) return about;
    }
    return undefined;
  };
  const next = (method: string): Promise<Readonly<Record<string, unknown>>> =>
    new Promise((resolve) => {
      const check = () => {
        const found = look(method);
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  const ended = servers
    .request('one', 'subscriptions/listen', Buffer.from(JSON.stringify(params)), {
      signal: abort.signal,
      client: from,
      lasting: true,
      onNotification: (method, about) => {
        told.push([method, about]);
        for (const check of [...waiting]) check();
      },
      ...context,
    })
    .catch((error: unknown) => error);
  await Promise.race([next('notifications/subscriptions/acknowledged'), ended]);
  return { told, ended, next, stop: () => abort.abort(new Error('enough')) };
}
