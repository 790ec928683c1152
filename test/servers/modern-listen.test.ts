import { describe, expect, it } from 'vitest';
import { harness, ready, resultOf, scripted, TestClock } from './harness.js';
import { client, json, modern } from './modern-harness.js';

const KEY = (name: string) => `io.modelcontextprotocol/${name}`;
const signal = new AbortController().signal;

describe('§7.28 subscriptions/listen of a client', () => {
  const open = async (id: unknown, filter: object, clock?: TestClock) => {
    const made = await ready({ one: modern() }, { ...(clock ? { clock } : {}), random: () => 0 });
    const told: { method: string; params: unknown }[] = [];
    const abort = new AbortController();
    const meta = id === undefined ? {} : { _meta: { [KEY('subscriptionId')]: id } };
    const ended = made.servers.request('one', 'subscriptions/listen', json({ notifications: filter, ...meta }), {
      signal: abort.signal,
      client: client(),
      lasting: true,
      onNotification: (method, params) => void told.push({ method, params }),
    });
    ended.catch(() => undefined);
    await expect.poll(() => told.length).toBe(1);
    return { ...made, told, ended, abort };
  };
  const acknowledged = 'notifications/subscriptions/acknowledged';

  it.each([['a text'], [17]])('carries the id that the client gave: %j', async (id) => {
    const filter = { toolsListChanged: true, resourceSubscriptions: ['file:///a'] };
    const { call, told, abort, ended } = await open(id, filter);
    const _meta = { [KEY('subscriptionId')]: id };
    expect(told).toEqual([{ method: acknowledged, params: { notifications: filter, _meta } }]);
    await call('one', 'update', { uri: 'file:///a' });
    await call('one', 'update', { uri: 'file:///b' });
    await call('one', 'offer', { kind: 'tools', list: [] });
    await call('one', 'offer', { kind: 'prompts', list: [] });
    expect(told.slice(1)).toEqual([
      { method: 'notifications/resources/updated', params: { uri: 'file:///a', _meta: { own: 1, ..._meta } } },
      { method: 'notifications/tools/list_changed', params: { _meta } },
    ]);
    abort.abort(new Error('gone'));
    await expect(ended).rejects.toThrow('gone');
  });

  it('carries none for a client that gave none', async () => {
    const { told } = await open(undefined, { toolsListChanged: true });
    expect(told).toEqual([{ method: acknowledged, params: { notifications: { toolsListChanged: true } } }]);
  });

  it.each([
    ['cancelled', {}],
    ['result', { kept: 1 }],
    ['both', {}],
  ])('ends well when the server ends it by %s', async (by, kept) => {
    const { call, ended } = await open(5, { toolsListChanged: true });
    await call('one', 'end-listens', { by });
    expect(resultOf(await ended)).toEqual({ resultType: 'complete', _meta: { ...kept, [KEY('subscriptionId')]: 5 } });
  });

  it('§7.29 §7.33 is sent again to a server that was started again, which is a change of everything', async () => {
    const clock = new TestClock();
    const filter = { toolsListChanged: true, resourceSubscriptions: ['file:///a'] };
    const { call, told, state } = await open(8, filter, clock);
    await expect(call('one', 'die')).rejects.toMatchObject({ code: 'lost' });
    await state(({ status, starts }) => status === 'ready' && starts === 2);
    // A second after it was lost.
    clock.fire(1_000);
    await expect.poll(() => told.length).toBe(3);
    const _meta = { [KEY('subscriptionId')]: 8 };
    expect(told.slice(1)).toEqual([
      { method: 'notifications/tools/list_changed', params: { _meta } },
      { method: 'notifications/resources/updated', params: { uri: 'file:///a', _meta } },
    ]);
    await call('one', 'update', { uri: 'file:///a' });
    expect(told).toHaveLength(4);
  });

  it('of a server that is not there is refused', async () => {
    const { servers } = harness({ one: scripted({ exitCode: 1 }) });
    servers.start();
    await servers.settled(AbortSignal.timeout(10_000));
    const context = { signal, client: client(), lasting: true };
    await expect(
      servers.request('one', 'subscriptions/listen', json({ notifications: {} }), context),
    ).rejects.toMatchObject({ code: 'not_ready' });
  });
});
