import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RequestContext } from '../../src/agent/servers/types.js';
import { logged, ready, TestClock, tempFolder, textOf } from './harness.js';
import { client, json, modern } from './modern-harness.js';

const KEY = (name: string) => `io.modelcontextprotocol/${name}`;
const signal = new AbortController().signal;

/** The params of a call as the server got them. */
async function wired(config: Parameters<typeof ready>[0], context: Partial<RequestContext>, meta: object = {}) {
  const { servers } = await ready(config);
  const params = json({ name: 'wire', _meta: meta });
  return JSON.parse(textOf(await servers.request('one', 'tools/call', params, { signal, ...context }))).params;
}

/** Every `_meta` of a method in the log. */
async function metas(log: string, method: string) {
  const lines = (await logged(log)) as { method?: string; params?: { _meta?: Record<string, unknown> } }[];
  return lines.filter((line) => line.method === method).map(({ params }) => params?._meta);
}

describe('a request to a modern server', () => {
  it('says for whom it is, in place of what it said before', async () => {
    const from = client({ capabilities: { elicitation: { form: {} }, other: { a: 1 } } });
    const meta = { [KEY('clientInfo')]: { name: 'forged' }, [KEY('subscriptionId')]: 3, traceparent: '00-1', 'x/y': 1 };
    const params = await wired({ one: modern() }, { client: from, logLevel: 'info' }, meta);
    expect(params._meta).toEqual({
      [KEY('protocolVersion')]: '2026-07-28',
      [KEY('clientInfo')]: { name: 'tester', version: '1' },
      [KEY('clientCapabilities')]: { elicitation: { form: {} }, other: { a: 1 } },
      [KEY('logLevel')]: 'info',
      traceparent: '00-1',
      'x/y': 1,
    });
  });

  it('of our own says who we are, and that we can do nothing', async () => {
    const log = join(await tempFolder(), 'log');
    await ready({ one: modern({ log }) });
    for (const method of ['server/discover', 'subscriptions/listen', 'tools/list', 'prompts/list', 'resources/list']) {
      expect(await metas(log, method)).toEqual([
        {
          [KEY('protocolVersion')]: '2026-07-28',
          [KEY('clientInfo')]: { name: 'test', version: '0.0.0' },
          [KEY('clientCapabilities')]: {},
        },
      ]);
    }
  });

  it('declares what the config lets it', async () => {
    const capabilities = { sampling: {}, roots: {}, elicitation: {} };
    const open = modern({}, { sampling: true, roots: ['file:///srv'] });
    const from = client({ capabilities, endpoint: 'aggregate' });
    const declared = async (config: typeof open, context: Partial<RequestContext>) =>
      (await wired({ one: config }, context))._meta[KEY('clientCapabilities')];
    expect(await declared(open, { client: from })).toEqual(capabilities);
    expect(await declared(modern(), { client: from })).toEqual({ elicitation: {} });
  });

  it('gets its result byte for byte, whatever its kind', async () => {
    const { call } = await ready({ one: modern() });
    for (const result of [
      '{"n":123456789012345678901234567890, "resultType":"input_required"}',
      '{"resultType":"own"}',
    ]) {
      const outcome = await call('one', 'raw', { result });
      expect(outcome.kind === 'result' && Buffer.from(outcome.json).toString()).toBe(result);
    }
  });

  it('§7.24 has a progress token of this hop, whatever the clients call theirs', async () => {
    const { servers } = await ready({ one: modern() });
    const seen: object[] = [];
    const hold = (of: string) =>
      servers.request('one', 'tools/call', json({ name: 'hold', arguments: { of }, _meta: { progressToken: 1 } }), {
        signal,
        client: client(),
        onProgress: (params) => seen.push({ of, params }),
      });
    const both = [hold('a'), hold('b')];
    await expect.poll(() => seen).toHaveLength(2);
    expect(seen).toEqual([
      { of: 'a', params: { progress: 1, extra: 'kept' } },
      { of: 'b', params: { progress: 1, extra: 'kept' } },
    ]);
    await servers.request('one', 'tools/call', json({ name: 'release' }), { signal });
    for (const outcome of await Promise.all(both)) expect(textOf(outcome)).toBe('released');
  });

  it('§7.23 is cancelled by a message, once', async () => {
    const log = join(await tempFolder(), 'log');
    const { servers, call } = await ready({ one: modern({ log }) });
    const abort = new AbortController();
    const logs: unknown[] = [];
    const held = servers.request('one', 'tools/call', json({ name: 'hold' }), {
      signal: abort.signal,
      logLevel: 'info',
      onLog: (params) => {
        logs.push(params);
        abort.abort(new Error('enough'));
      },
    });
    await expect(held).rejects.toThrow('enough');
    await call('one', 'release');
    const lines = (await logged(log)) as { id?: number; method?: string; params?: Record<string, unknown> }[];
    const id = lines.find(({ params }) => params?.name === 'hold')?.id;
    const cancelled = lines.filter(({ method }) => method === 'notifications/cancelled');
    expect(cancelled.map(({ params }) => params?.requestId)).toEqual([id]);
    expect(logs).toHaveLength(1);
  });

  it('is lost with the server, and not sent again', async () => {
    const log = join(await tempFolder(), 'log');
    const { call, state } = await ready({ one: modern({ log }) });
    const held = call('one', 'hold');
    await expect(call('one', 'die')).rejects.toMatchObject({ code: 'lost', dispatched: true });
    await expect(held).rejects.toMatchObject({ code: 'lost', dispatched: true });
    await state(({ status, starts }) => status === 'ready' && starts === 2);
    expect((await logged(log)).filter(({ params }) => params?.name === 'hold')).toHaveLength(1);
  });

  it('of the server itself is dropped, and said once', async () => {
    const { call, warnings } = await ready({ one: modern() });
    expect(textOf(await call('one', 'ask'))).toBe('asked');
    expect(textOf(await call('one', 'ask'))).toBe('asked');
    expect(warnings).toEqual([expect.stringContaining('requests to the client')]);
  });
});

describe('§7.35 log lines of a modern stdio server', () => {
  const lines = async (others: (Partial<RequestContext> | undefined)[]) => {
    const { servers } = await ready({ one: modern() });
    const seen: unknown[] = [];
    const running = others.map((context, index) =>
      servers.request('one', 'tools/call', json({ name: 'hold', arguments: { of: index } }), {
        signal,
        onLog: (params) => seen.push([index, params.data]),
        ...context,
      }),
    );
    await servers.request('one', 'tools/call', json({ name: 'release' }), { signal });
    await Promise.all(running);
    return seen;
  };

  it('go to the only request that wants any', async () => {
    expect(await lines([{ logLevel: 'info' }, {}])).toEqual([
      [0, 'held 0'],
      [0, 'held 1'],
    ]);
  });

  it('go to nobody where they may be of two, or of none', async () => {
    expect(await lines([{}])).toEqual([]);
    expect(await lines([{ logLevel: 'info' }, { logLevel: 'debug' }])).toEqual([]);
  });

  it('go to nobody while a cancelled request may still write', async () => {
    const clock = new TestClock();
    const { servers, call } = await ready({ one: modern() }, { clock });
    const abort = new AbortController();
    const first = servers.request('one', 'tools/call', json({ name: 'hold' }), {
      signal: abort.signal,
      logLevel: 'info',
      onLog: () => abort.abort(),
    });
    await expect(first).rejects.toThrow();
    const seen: unknown[] = [];
    const say = (data: string) =>
      call('one', 'say', { data }, { logLevel: 'info', onLog: (log) => seen.push(log.data) });
    await say('early');
    clock.offset += 60_000;
    await say('late');
    expect(seen).toEqual(['late']);
  });
});

describe('lists of a modern server', () => {
  it('are read again by kind as they change', async () => {
    const log = join(await tempFolder(), 'log');
    const { servers, call, catalog } = await ready({ one: modern({ log }) });
    expect(servers.offer('one')).toMatchObject({
      tools: [{ name: 'wire' }],
      prompts: [{ name: 'first' }],
      resources: [{ uri: 'file:///a' }],
      resourceTemplates: [],
    });
    await call('one', 'offer', { kind: 'prompts', list: [{ name: 'second', 'x-own': 1 }] });
    expect(await catalog((offer) => offer?.prompts[0]?.name === 'second')).toMatchObject({
      prompts: [{ name: 'second', 'x-own': 1 }],
    });
    const asked = (await logged(log)).map(({ method }) => method).filter((method) => method?.endsWith('/list'));
    expect(asked).toEqual(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'prompts/list']);
  });

  it('may be left without word of changes', async () => {
    const { servers, warnings } = await ready({ one: modern({ refuses: ['subscriptions/listen'] }) });
    expect(servers.states()[0]?.status).toBe('ready');
    expect(warnings).toEqual([expect.stringContaining('refused subscriptions/listen')]);
  });

  it('are listened to again when the server ends the subscription', async () => {
    const log = join(await tempFolder(), 'log');
    const clock = new TestClock();
    const { call, catalog } = await ready({ one: modern({ log }) }, { clock, random: () => 0 });
    await call('one', 'end-listens');
    const timer = () => clock.waiting.find(({ ms }) => ms > 1_000 && ms < 3_000);
    await expect.poll(timer).toBeDefined();
    // Changed while nobody was told.
    await call('one', 'offer', { kind: 'tools', list: [{ name: 'other', inputSchema: {} }] });
    clock.fire(timer()?.ms ?? 0);
    expect(await catalog((offer) => offer?.tools[0]?.name === 'other')).toBeDefined();
  });
});

describe('notifications of a client', () => {
  it('go to a modern server as they are, but for those of the older era', async () => {
    const log = join(await tempFolder(), 'log');
    const { servers, call } = await ready({ one: modern({ log }) });
    const params = Buffer.from('{"n":12345678901234567890,"_meta":{"io.modelcontextprotocol/logLevel":"debug","a":1}}');
    await servers.notify('one', 'notifications/own', params, client());
    await servers.notify('one', 'notifications/roots/list_changed', Buffer.alloc(0), client());
    await servers.notify('one', 'notifications/bare', Buffer.alloc(0), client());
    await call('one', 'wire');
    const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line.includes('notifications/'));
    expect(lines).toEqual([
      '{"jsonrpc":"2.0","method":"notifications/own","params":{"n":12345678901234567890,"_meta":{"a":1}}}',
      '{"jsonrpc":"2.0","method":"notifications/bare"}',
    ]);
  });
});
