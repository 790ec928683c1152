import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { everything, System } from '../helpers/system.js';
import type { Heard } from '../matrix/client.js';
import { ENVIRONMENT, FullClient, type Params, ROOTS } from './everything-client.js';
import { ALL_HEARD, compared, DIFFERENCES, type Endpoint, type Exchange, paramsAt } from './everything-differences.js';
import { steady } from './everything-steady.js';
import { STEPS, type Step } from './everything-steps.js';

const PROGRESS = 'notifications/progress';
const RESEARCH = { name: 'simulate-research-query', arguments: { topic: 'python', ambiguous: true } };
const ANSWERS = { elicited: { action: 'accept' as const, content: { interpretation: 'comedy' } } };
let system: System;

beforeAll(async () => {
  system = await System.start();
  // Each endpoint has a server process of its own.
  const servers = { everything: { ...everything(), env: ENVIRONMENT, roots: ROOTS, sampling: true } };
  await system.agent({ servers });
  await system.agent({ servers, person: 'bob' });
}, 120_000);

afterAll(() => system?.[Symbol.asyncDispose]());

const ENDPOINTS: readonly [Endpoint, () => Promise<FullClient>][] = [
  ['transparent', async () => FullClient.through(`${system.endpoint}/laptop/everything`, await system.token())],
  ['merged', async () => FullClient.through(system.endpoint, await system.token('bob'))],
];

describe.each(ENDPOINTS)('server-everything at the %s endpoint, beside the server itself', (at, connect) => {
  let direct: FullClient;
  let through: FullClient;
  const used = new Set<string>();

  beforeAll(async () => {
    direct = await FullClient.direct();
    // What a server says at its start, it says a moment after.
    await direct.hear('notifications/message');
    through = await connect();
  });

  afterAll(async () => {
    await direct?.[Symbol.asyncDispose]();
    await through?.[Symbol.asyncDispose]();
  });

  function same(own: Exchange, other: Exchange): void {
    const { expected, seen, used: rows } = compared(own, other, at);
    for (const row of rows) used.add(row);
    expect(text(seen)).toBe(text(expected));
  }

  test('says the same of itself', () => {
    same(hello(direct), hello(through));
  });

  test('every tool is called', async () => {
    const called = new Set(STEPS.map(({ params }) => params?.name));
    const names = JSON.stringify(await direct.request('tools/list')).matchAll(/"name":"([a-z-]+)","title"/g);
    // What the others need is in the table.
    expect([...names].map(([, name]) => name).filter((name) => !called.has(name))).toEqual([
      'trigger-sampling-request-async',
      'trigger-elicitation-request-async',
    ]);
  });

  test.each(STEPS.map((step) => [step.method, JSON.stringify(step.params ?? {}), step] as const))(
    '%s %s',
    async (...[, , step]) => {
      const [own, other] = await Promise.all([
        taken(direct, step, step.params, step.hears),
        taken(through, step, paramsAt(step.params, at), awaited(step)),
      ]);
      same(own, other);
    },
  );

  /** What the table says will not come is not waited for. */
  function awaited({ method, params, hears = [] }: Step): readonly string[] {
    const heard = hears.map((name): Heard => ({ method: name, params: {} }));
    const step = { method, params, outcome: { result: {} }, asked: [], progress: [], heard };
    return compared(step, step, at).expected.heard.map((one) => one.method);
  }

  test('tasks', { timeout: 60_000 }, async () => {
    if (at === 'transparent') {
      const [own, other] = await Promise.all([tasksOf(direct), tasksOf(through)]);
      own.forEach((exchange, index) => {
        same(exchange, other[index] ?? exchange);
      });
      expect(other).toHaveLength(own.length);
      return;
    }
    const plain = { method: 'tools/call', answers: ANSWERS };
    const [own, other] = await Promise.all([tasksOf(direct), taken(through, plain, paramsAt(RESEARCH, at))]);
    const result = own.find(({ method }) => method === 'tasks/result');
    expect(result).toBeDefined();
    if (result !== undefined) same(result, { ...other, method: result.method, params: result.params, progress: [] });
    expect(JSON.stringify(other.outcome)).toContain('python (comedy)');
    for (const method of ['get', 'list', 'result', 'cancel']) {
      const params = { taskId: 'any' };
      expect(await through.request(`tasks/${method}`, params)).toMatchObject({ error: { code: -32601 } });
    }
  });

  test('a call that is given up', async () => {
    const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.6, steps: 3 } };
    const [own, other] = await Promise.all([givenUp(direct, long), givenUp(through, paramsAt(long, at) ?? {})]);
    same(own, other);
    const next = { method: 'tools/call', params: { name: 'get-sum', arguments: { a: 1, b: 2 } } };
    same(await taken(direct, next, next.params), await taken(through, next, paramsAt(next.params, at)));
  });

  test('nothing else is told, and nothing is missing', async () => {
    await vi.waitFor(() => same(allHeard(direct), allHeard(through)), 10_000);
  });

  test('each difference in the table is one', () => {
    const rows = DIFFERENCES.filter((row) => row.at.includes(at)).map(({ what }) => what);
    expect(rows.filter((what) => !used.has(what))).toEqual([]);
  });
});

async function taken(
  client: FullClient,
  step: Step,
  params: Params | undefined,
  hears: readonly string[] = [],
): Promise<Exchange> {
  Object.assign(client.answers, { elicited: { action: 'accept' }, sampled: 'ripe' }, step.answers);
  const [asked, heard] = [client.asked.length, client.heard.length];
  const outcome = await client.request(step.method, params);
  const awaited = await Promise.all(hears.map((method) => client.hear(method, heard)));
  return {
    method: step.method,
    params,
    outcome,
    asked: client.asked.slice(asked),
    // Under a token of each client's own.
    progress: client.heard
      .slice(heard)
      .filter(({ method }) => method === PROGRESS)
      .map(({ params: { progressToken: _own, ...told } }) => told),
    heard: awaited,
  };
}

function hello(client: FullClient): Exchange {
  return {
    method: 'initialize',
    outcome: { result: client.initialized },
    asked: client.asked,
    progress: [],
    heard: client.heard,
  };
}

function text(exchange: Exchange): string {
  return JSON.stringify(steady(exchange), null, 2);
}

/** A task that asks, to its end, and one that is cancelled. */
async function tasksOf(client: FullClient): Promise<Exchange[]> {
  const exchanges: Exchange[] = [];
  const ask = async (method: string, params: Params): Promise<Exchange> => {
    const exchange = await taken(client, { method, answers: ANSWERS }, params);
    // Each has its own ids.
    const shown = { ...exchange, params: {} };
    exchanges.push(shown);
    return shown;
  };
  const begin = async (): Promise<string> => {
    const created = await ask('tools/call', { ...RESEARCH, task: { ttl: 60_000 } });
    const [, taskId = ''] = /"taskId":"(\w+)"/.exec(JSON.stringify(created.outcome)) ?? [];
    return taskId;
  };
  const taskId = await begin();
  const status = async () => JSON.stringify(await client.request('tasks/get', { taskId }));
  await expect.poll(status, { timeout: 20_000, interval: 200 }).toContain('input_required');
  await ask('tasks/get', { taskId });
  await ask('tasks/result', { taskId });
  await ask('tasks/get', { taskId });
  await ask('tasks/list', {});
  const given = await begin();
  await ask('tasks/cancel', { taskId: given });
  await ask('tasks/get', { taskId: given });
  await ask('tasks/cancel', { taskId: given });
  await ask('tasks/get', { taskId: 'none' });
  return exchanges;
}

/** A call that its client cancels once it has heard of it. */
async function givenUp(client: FullClient, params: Params): Promise<Exchange> {
  const stop = new AbortController();
  const from = client.heard.length;
  const call = client.request('tools/call', params, stop.signal);
  await client.hear(PROGRESS, from);
  stop.abort('enough');
  return { method: 'tools/call', params, outcome: await call, asked: [], progress: [], heard: [] };
}

/** Each notification but of progress once: a list that has changed may be told of again, and streams have no order between them. */
function allHeard({ heard }: FullClient): Exchange {
  const texts = heard.filter(({ method }) => method !== PROGRESS).map((one) => JSON.stringify(steady(one)));
  const each = [...new Set(texts)].sort().map((one): Heard => JSON.parse(one));
  return { method: ALL_HEARD, outcome: { result: {} }, asked: [], progress: [], heard: each };
}
