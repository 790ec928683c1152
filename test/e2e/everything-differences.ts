import type { Heard } from '../matrix/client.js';
import type { Outcome, Params } from './everything-client.js';

export type Endpoint = 'transparent' | 'merged';

/** One request, what it came to, and what came with it. */
export interface Exchange {
  readonly method: string;
  readonly params?: Params | undefined;
  readonly outcome: Outcome;
  /** The server's requests. */
  readonly asked: readonly Heard[];
  /** In order. */
  readonly progress: readonly unknown[];
  /** Other notifications, each once. */
  readonly heard: readonly Heard[];
}

export interface Difference {
  readonly what: string;
  readonly at: readonly Endpoint[];
  /** Makes of what came directly what comes through the tunnel. */
  readonly expected: (direct: Exchange) => Exchange;
  /** Takes from what came through the tunnel what has nothing beside it; throws unless it is there. */
  readonly seen?: (through: Exchange) => Exchange;
}

type Entry = Readonly<Record<string, unknown>>;
const BOTH: readonly Endpoint[] = ['transparent', 'merged'];
const MERGED: readonly Endpoint[] = ['merged'];
const LISTS: ReadonlyMap<string, string> = new Map([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
]);
const NEEDS_TASKS_OF_CLIENTS = ['trigger-sampling-request-async', 'trigger-elicitation-request-async'];
/** Instead of a method: of all that was heard. */
export const ALL_HEARD = 'all';
const KEY = 'laptop.everything+';
const SERVER = 'everything';

/** All that is different through the tunnel. What is in no row here is the same, field by field and in the same order. */
export const DIFFERENCES: readonly Difference[] = [
  {
    what: 'roots are those of the agent’s config: the client is not asked',
    at: BOTH,
    expected: (one) => ({ ...one, asked: one.asked.filter(({ method }) => method !== 'roots/list') }),
  },
  {
    what: 'the server’s session has begun before the client’s: what it says at its start is said',
    at: BOTH,
    expected: (one) => ({
      ...one,
      heard: one.heard.filter(
        ({ method, params }) =>
          method !== 'notifications/tools/list_changed' && !String(params.data).startsWith('Roots updated'),
      ),
    }),
  },
  {
    what: 'servers are not told of clients that run tasks, so there are no tools that need them',
    at: BOTH,
    expected: (one) =>
      listed(one, 'tools/list', (tools) => tools.filter(({ name }) => !NEEDS_TASKS_OF_CLIENTS.includes(String(name)))),
  },
  {
    what: 'the log level is the relay’s, and refused by it',
    at: BOTH,
    expected: (one) => {
      if (one.params?.level !== 'loud') return one;
      const levels = 'debug, info, notice, warning, error, critical, alert, emergency';
      return { ...one, outcome: failure(-32602, `params.level must be one of: ${levels}`) };
    },
  },
  {
    what: 'names: tools and prompts have their server’s in front',
    at: MERGED,
    expected: (one) => ({
      ...entries(one, ['tools/list', 'prompts/list'], (entry) => ({ ...entry, name: exposedName(entry.name) })),
      params: exposedParams(one.params),
    }),
  },
  {
    what: 'names: URIs have their device’s and server’s in front',
    at: MERGED,
    expected: (one) => ({
      ...one,
      params: exposedUris(one.params),
      outcome: exposedUris(one.outcome),
      heard: exposedUris(one.heard),
    }),
  },
  {
    what: 'names: titles say whose the entry is',
    at: MERGED,
    expected: (one) =>
      entries(one, [...LISTS.keys()], ({ title, outputSchema, ...rest }) => ({
        ...rest,
        title: `${SERVER}: ${title ?? String(rest.name).replace(/^everything__/, '')}`,
        ...(outputSchema === undefined ? {} : { outputSchema }),
      })),
  },
  {
    what: 'names: what a person is asked says who asks',
    at: MERGED,
    expected: (one) => ({
      ...one,
      asked: one.asked.map(({ method, params }) => {
        const message = `[laptop/${SERVER}] ${params.message}`;
        return { method, params: method === 'elicitation/create' ? { ...params, message } : params };
      }),
    }),
  },
  {
    what: 'names: entries are in their order',
    at: MERGED,
    expected: (one) =>
      listed(one, undefined, (list) => {
        const key = (entry: Entry) =>
          String(one.method.startsWith('resources/') ? (entry.uri ?? entry.uriTemplate) : entry.name);
        return list.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
      }),
  },
  {
    what: 'names: the relay’s own tools come first',
    at: MERGED,
    expected: (one) => one,
    seen: (one) =>
      listed(one, 'tools/list', ([status, restart, ...tools]) => {
        if (status?.name !== 'status' || restart?.name !== 'restart') throw new Error('the relay’s tools are missing');
        return tools;
      }),
  },
  {
    what: 'what is not there is said by the relay, by its name there',
    at: MERGED,
    expected: (one) => {
      const { name } = one.params ?? {};
      if (name === 'everything__none') {
        const kind = one.method === 'tools/call' ? 'tool' : 'prompt';
        return { ...one, outcome: failure(-32602, `Unknown ${kind}: ${name}`) };
      }
      if (!one.method.startsWith('acme/')) return one;
      return { ...one, outcome: failure(-32601, `Method not found: ${one.method}`) };
    },
  },
  {
    what: 'the endpoint says of itself what the relay is, and quotes the server',
    at: MERGED,
    expected: (one) => {
      if (one.method !== 'initialize' || !('result' in one.outcome)) return one;
      const { protocolVersion, instructions } = record(one.outcome.result);
      return {
        ...one,
        outcome: {
          result: {
            protocolVersion,
            capabilities: {
              tools: { listChanged: true },
              prompts: { listChanged: true },
              resources: { subscribe: true, listChanged: true },
              completions: {},
              logging: {},
              extensions: { 'io.modelcontextprotocol/ui': {} },
            },
            serverInfo: { name: 'mcp-local-tunnel', title: 'MCP Local Tunnel' },
            instructions: String(instructions).slice(0, 500),
          },
        },
      };
    },
    seen: (one) => {
      if (one.method !== 'initialize' || !('result' in one.outcome)) return one;
      const { serverInfo, instructions, ...rest } = record(one.outcome.result);
      const { version: _ours, ...info } = record(serverInfo);
      const [, quoted = ''] = String(instructions).split(`## laptop/${SERVER}\n`);
      const words = quoted.replaceAll(/^> /gm, '').slice(0, 500);
      return { ...one, outcome: { result: { ...rest, serverInfo: info, instructions: words } } };
    },
  },
  {
    what: 'tasks: tools do not say how they take them',
    at: MERGED,
    expected: (one) => entries(one, ['tools/list'], ({ execution: _driven, ...entry }) => entry),
  },
  {
    what: 'tasks: the agent runs a tool that can only be called as one, and tells its status as progress; nothing names the task',
    at: MERGED,
    expected: (one) => {
      if (one.method === ALL_HEARD) return { ...one, heard: without(one, 'notifications/tasks/status') };
      if (one.method === 'tasks/result') {
        const asked = one.asked.map(({ method, params: { _meta: _task, ...params } }) => ({ method, params }));
        return { ...one, outcome: withoutMeta(one.outcome), asked };
      }
      if (one.params?.name !== 'everything__simulate-research-query') return one;
      return { ...one, outcome: { result: 'a report' }, progress: ['its status'] };
    },
    seen: (one) => {
      if (one.params?.name !== 'everything__simulate-research-query') return one;
      if (!JSON.stringify(one.outcome).includes('# Research Report: plums')) throw new Error('no report');
      // How often it is looked at is a matter of time.
      const status = /^(Gathering|Analyzing|Synthesizing|Generating) .*\.\.\.$/;
      const told = one.progress.map((step) => status.test(String(record(step).message)));
      return { ...one, outcome: { result: 'a report' }, progress: told.every(Boolean) ? ['its status'] : one.progress };
    },
  },
];

/** The value through all rows of an endpoint, and which of them changed it. */
export function compared(direct: Exchange, through: Exchange, at: Endpoint) {
  const used: string[] = [];
  let expected = direct;
  let seen = through;
  for (const row of DIFFERENCES.filter((difference) => difference.at.includes(at))) {
    const [before, beside] = [JSON.stringify(expected), JSON.stringify(seen)];
    expected = row.expected(expected);
    seen = row.seen?.(seen) ?? seen;
    if (JSON.stringify(expected) !== before || JSON.stringify(seen) !== beside) used.push(row.what);
  }
  return { expected, seen, used };
}

/** A request's params for this endpoint. */
export function paramsAt(params: Params | undefined, at: Endpoint): Params | undefined {
  return at === 'merged' ? exposedUris(exposedParams(params)) : params;
}

function without({ heard }: Exchange, unheard: string): Heard[] {
  return heard.filter(({ method }) => method !== unheard);
}

function withoutMeta(outcome: Outcome): Outcome {
  if (!('result' in outcome)) return outcome;
  const { _meta: _task, ...result } = record(outcome.result);
  return { result };
}

function exposedName(name: unknown): unknown {
  return typeof name === 'string' ? `${SERVER}__${name}` : name;
}

function exposedParams(params: Params | undefined): Params | undefined {
  if (params === undefined) return undefined;
  const { name, ref } = params;
  return {
    ...params,
    ...(name === undefined ? {} : { name: exposedName(name) }),
    ...(record(ref).name === undefined ? {} : { ref: { ...record(ref), name: exposedName(record(ref).name) } }),
  };
}

/** Members that are a resource's address; texts about it stay as the server wrote them. */
function exposedUris<T>(value: T): T {
  const text = JSON.stringify(value);
  if (text === undefined) return value;
  return JSON.parse(text, (key, member: unknown) =>
    (key === 'uri' || key === 'uriTemplate') && typeof member === 'string' ? `${KEY}${member}` : member,
  );
}

function entries(one: Exchange, methods: readonly string[], change: (entry: Entry) => Entry): Exchange {
  return methods.includes(one.method) ? listed(one, one.method, (list) => list.map(change)) : one;
}

/** @param method undefined: any list */
function listed(one: Exchange, method: string | undefined, change: (list: Entry[]) => Entry[]): Exchange {
  const member = LISTS.get(one.method);
  if (member === undefined || (method !== undefined && one.method !== method) || !('result' in one.outcome)) return one;
  const result = record(one.outcome.result);
  const list: unknown = result[member];
  if (!Array.isArray(list)) return one;
  return { ...one, outcome: { result: { ...result, [member]: change(list.map(record)) } } };
}

function failure(code: number, message: string): Outcome {
  return { error: { code, message: `MCP error ${code}: ${message}`, data: undefined } };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
