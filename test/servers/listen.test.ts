import { describe, expect, it } from 'vitest';
import { asking, client, listening, modern, replying, stateOf, tool } from './asking.js';
import { type Harness, harness, ready, scripted } from './harness.js';

const ACK = 'notifications/subscriptions/acknowledged';
const UPDATED = 'notifications/resources/updated';
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const filter = (notifications: object, id: unknown = 1) => ({ notifications, _meta: { [SUBSCRIPTION]: id } });
const uris = (...list: string[]) => ({ notifications: { resourceSubscriptions: list } });
const tell = (made: Harness, from: object, ...notifications: [string, object][]) =>
  tool(made, 'tell', { notifications }, from);

describe('§7.28 a listen at a legacy server', () => {
  it('is acknowledged with what can be told, under the id of its client, and ends well with the agent', async () => {
    const made = await ready({ one: asking() });
    const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, unknown: true };
    const listen = await listening(
      made.servers,
      modern('a'),
      filter({ ...all, resourceSubscriptions: ['test://a', 'test://none', 'test://a'] }, '7'),
    );
    expect(listen.told).toEqual([
      [
        ACK,
        {
          notifications: { toolsListChanged: true, resourcesListChanged: true, resourceSubscriptions: ['test://a'] },
          _meta: { [SUBSCRIPTION]: '7' },
        },
      ],
    ]);
    await tell(made, {}, [UPDATED, { uri: 'test://a', _meta: { more: 1 } }], [UPDATED, { uri: 'test://b' }]);
    expect(await listen.next(UPDATED)).toEqual({ uri: 'test://a', _meta: { more: 1, [SUBSCRIPTION]: '7' } });
    await made.servers.close();
    const outcome = (await listen.ended) as { kind: string; json: Buffer };
    expect(outcome.kind).toBe('result');
    expect(JSON.parse(outcome.json.toString())).toEqual({ resultType: 'complete', _meta: { [SUBSCRIPTION]: '7' } });
    expect(listen.told).toHaveLength(2);
  });

  it('tells of lists that were asked for, and no others', async () => {
    const made = await ready({ one: asking() });
    const tools = await listening(made.servers, modern('a'), filter({ toolsListChanged: true }));
    const resources = await listening(made.servers, modern('b'), filter({ resourcesListChanged: true }, 2));
    await tell(made, {}, ['notifications/tools/list_changed', {}], ['notifications/resources/list_changed', {}]);
    await resources.next('notifications/resources/list_changed');
    expect(tools.told.map(([method]) => method)).toEqual([ACK, 'notifications/tools/list_changed']);
    expect(resources.told.map(([method]) => method)).toEqual([ACK, 'notifications/resources/list_changed']);
  });

  it('is ended by its client, and by its session', async () => {
    const made = await ready({ one: asking() });
    const left = await listening(made.servers, modern('a'), filter({ toolsListChanged: true }));
    left.stop();
    expect(await left.ended).toMatchObject({ message: 'enough' });
    const over = await listening(made.servers, client('b'), {});
    const other = await listening(made.servers, client('c'), {});
    made.servers.endSession('session of b');
    expect(await over.ended).toMatchObject({ kind: 'result', json: Buffer.from('{}') });
    await tell(made, {}, ['notifications/tools/list_changed', {}]);
    await other.next('notifications/tools/list_changed');
    expect(over.told).toHaveLength(1);
  });

  it('may come while the server starts, and not while it is down', async () => {
    const made = harness({ one: asking() });
    made.servers.start();
    const early = await listening(made.servers, modern('a'), filter({ toolsListChanged: true }));
    expect(early.told).toMatchObject([[ACK, { notifications: { toolsListChanged: true } }]]);
    await expect(tool(made, 'die')).rejects.toMatchObject({ code: 'lost' });
    const late = await listening(made.servers, modern('a'), filter({ toolsListChanged: true }));
    expect(await late.ended).toMatchObject({ code: 'not_ready', dispatched: false });
  });

  it('is refused when it asks for nothing that can be read', async () => {
    const made = await ready({ one: asking() });
    const refused = await listening(made.servers, modern('a'), { notifications: { resourceSubscriptions: [1] } });
    expect(await refused.ended).toMatchObject({ kind: 'error', error: { code: -32602 } });
  });

  it('hears once of many updates in a row', async () => {
    const made = await ready({ one: asking() });
    const listen = await listening(
      made.servers,
      modern('a'),
      filter({ resourceSubscriptions: ['test://a', 'test://b'] }),
    );
    const flood = Array.from({ length: 200 }, (): [string, object] => [UPDATED, { uri: 'test://a' }]);
    await tell(made, {}, ...flood, [UPDATED, { uri: 'test://b/part' }]);
    await listen.next(UPDATED);
    await tell(made, {}, ['notifications/tools/list_changed', {}]);
    await expect.poll(() => listen.told.map(([, { uri }]) => uri)).toContain('test://b/part');
    expect(listen.told.length).toBeLessThan(10);
  });
});

describe('§7.29 resources/subscribe of a legacy server', () => {
  it('is sent for the first of many and taken back for the last', async () => {
    const made = await ready({ one: asking() });
    const one = await listening(made.servers, modern('a'), filter({ resourceSubscriptions: ['test://a', 'test://b'] }));
    const two = await listening(made.servers, client('b'), uris('test://a'));
    expect((await stateOf(made)).seen).toEqual([
      ['subscribe', 'test://a'],
      ['subscribe', 'test://b'],
    ]);
    one.stop();
    await one.ended;
    expect((await stateOf(made)).seen).toEqual([['unsubscribe', 'test://b']]);
    await tell(made, {}, [UPDATED, { uri: 'test://a' }]);
    expect(await two.next(UPDATED)).toEqual({ uri: 'test://a' });
    two.stop();
    await two.ended;
    expect((await stateOf(made)).seen).toEqual([['unsubscribe', 'test://a']]);
  });

  it('fails for a legacy client with the server’s own error, and is tried again', async () => {
    const made = await ready({ one: asking() });
    for (let times = 0; times < 2; times += 1) {
      const refused = await listening(made.servers, client('a'), uris('test://none'));
      expect(await refused.ended).toEqual({
        kind: 'error',
        error: { code: -32002, message: 'MCP error -32002: Resource not found', data: { uri: 'test://none' } },
      });
      expect(refused.told).toEqual([]);
    }
  });

  it('is tried again for the next who wants it', async () => {
    const made = await ready({ one: asking() });
    const one = await listening(
      made.servers,
      modern('a'),
      filter({ resourceSubscriptions: ['test://a', 'test://later'] }),
    );
    const two = await listening(made.servers, modern('b'), filter({ resourceSubscriptions: ['test://later'] }));
    expect([one, two].map(({ told }) => told[0]?.[1].notifications)).toEqual([
      { resourceSubscriptions: ['test://a'] },
      { resourceSubscriptions: ['test://later'] },
    ]);
  });

  it('is not sent to a server that does not offer it', async () => {
    const made = await ready({ one: asking({}, { resources: false }) });
    const refused = await listening(made.servers, client('a'), uris('test://a'));
    expect(await refused.ended).toMatchObject({ kind: 'error', error: { code: -32601 } });
    const listen = await listening(made.servers, modern('a'), filter({ resourceSubscriptions: ['test://a'] }));
    expect(listen.told).toEqual([[ACK, { notifications: {}, _meta: { [SUBSCRIPTION]: 1 } }]]);
  });

  it('§7.33 is sent again when the server has been restarted, and its client told to look', async () => {
    const made = await ready({ one: asking() });
    const listen = await listening(made.servers, modern('a'), filter({ resourceSubscriptions: ['test://a'] }));
    await made.servers.restart('one', new AbortController().signal);
    expect(await listen.next(UPDATED)).toMatchObject({ uri: 'test://a' });
    expect((await stateOf(made)).seen).toEqual([['subscribe', 'test://a']]);
    await tell(made, {}, [UPDATED, { uri: 'test://a', again: 1 }]);
    expect(await listen.next(UPDATED)).toMatchObject({ again: 1 });
  });
});

describe('a change of tools over a restart', () => {
  it('is told, and only a change', async () => {
    const same = await ready({ one: scripted({ era: 'legacy' }, { era: 'legacy' }) });
    const unchanged = await listening(same.servers, modern('a'), filter({ toolsListChanged: true }));
    await same.servers.restart('one', new AbortController().signal);
    await same.call('one', 'offer', { tools: [{ name: 'new', inputSchema: { type: 'object' } }] });
    await unchanged.next('notifications/tools/list_changed');
    // One for the announced change; none for the restart before it, and none more when the list has been read.
    await same.catalog((catalog) => catalog?.tools[0]?.name === 'new');
    expect(unchanged.told).toHaveLength(2);
    const growing = await ready({ one: asking({}, { growing: true }) });
    const changed = await listening(growing.servers, modern('a'), filter({ toolsListChanged: true }));
    await growing.servers.restart('one', new AbortController().signal);
    expect(await changed.next('notifications/tools/list_changed')).toEqual({ _meta: { [SUBSCRIPTION]: 1 } });
    expect(changed.told).toHaveLength(2);
  });
});

describe('what is for one client alone', () => {
  const CUSTOM = 'notifications/test/news';

  it('is told while the process has worked for that client only', async () => {
    const made = await ready({ one: asking() });
    const mine = await listening(made.servers, client('a'), {});
    const theirs = await listening(made.servers, client('b'), {});
    const modernOne = await listening(made.servers, modern('a'), filter({ toolsListChanged: true }));
    // Held open, so that what is told is about no one call.
    const hold = (from: ReturnType<typeof client>) =>
      tool(made, 'wait', { key: from.id }, { client: from }).catch(() => undefined);
    void hold(client('a'));
    await tell(made, { client: client('a') }, [CUSTOM, { n: 1 }]);
    expect(await mine.next(CUSTOM)).toEqual({ n: 1 });
    await tell(made, { client: client('b') }, [CUSTOM, { n: 2 }]);
    await tell(made, { client: client('a') }, [CUSTOM, { n: 3 }], ['notifications/tools/list_changed', {}]);
    await theirs.next('notifications/tools/list_changed');
    await modernOne.next('notifications/tools/list_changed');
    expect(mine.told.filter(([method]) => method === CUSTOM)).toEqual([[CUSTOM, { n: 1 }]]);
    expect(theirs.told.filter(([method]) => method === CUSTOM)).toEqual([]);
    expect(modernOne.told.filter(([method]) => method === CUSTOM)).toEqual([]);
    // A new process has worked for nobody.
    await made.servers.restart('one', new AbortController().signal);
    void hold(client('b'));
    await tell(made, { client: client('b') }, [CUSTOM, { n: 4 }]);
    expect(await theirs.next(CUSTOM)).toEqual({ n: 4 });
  });

  it('is told with the call, when there is only one', async () => {
    const made = await ready({ one: asking() });
    const told: unknown[] = [];
    const from = {
      client: modern('a'),
      onNotification: (method: string, params: object) => told.push([method, params]),
    };
    await tell(
      made,
      from,
      [CUSTOM, { n: 1 }],
      ['notifications/tools/list_changed', {}],
      [UPDATED, { uri: 'test://a' }],
    );
    expect(told).toEqual([[CUSTOM, { n: 1 }]]);
  });

  it('the end of a visit to a URL is told to who was asked to go there', async () => {
    const made = await ready({ one: asking() });
    const mine = await listening(made.servers, client('a'), {});
    const theirs = await listening(made.servers, client('b'), {});
    const COMPLETE = 'notifications/elicitation/complete';
    const from = client('a', { capabilities: { elicitation: { url: {} } } });
    const question = { mode: 'url', message: 'Go', url: 'https://a.b/', elicitationId: 'e1' };
    const { onAsk } = replying({ action: 'accept' });
    await tool(made, 'ask', { method: 'elicitation/create', params: question }, { client: from, onAsk });
    const data = { elicitations: [{ ...question, elicitationId: 'e2' }] };
    const refused = await made.call('one', 'error', { code: -32042, data }, { client: client('b') });
    expect(refused).toMatchObject({ kind: 'error', error: { code: -32042 } });
    const complete = (elicitationId: string): [string, object] => [COMPLETE, { elicitationId }];
    const changed: [string, object] = ['notifications/tools/list_changed', {}];
    await tell(made, {}, complete('e2'), complete('e1'), complete('e3'), changed);
    for (const listen of [mine, theirs]) await listen.next(changed[0]);
    expect(mine.told.filter(([method]) => method === COMPLETE)).toEqual([complete('e1')]);
    expect(theirs.told.filter(([method]) => method === COMPLETE)).toEqual([complete('e2')]);
  });
});

describe('§7.35 log lines', () => {
  const LOG = 'notifications/message';
  const line = (level: string): [string, object] => [LOG, { level, data: level }];

  it('outside calls reach a legacy client at its own level', async () => {
    const made = await ready({ one: asking() });
    const listen = await listening(made.servers, client('a'), {}, { logLevel: 'warning' });
    const silent = await listening(made.servers, client('a', { session: 'other' }), {});
    expect((await stateOf(made)).seen).toEqual([['level', 'warning']]);
    void tool(made, 'wait', { key: 'k' }, { client: client('a') }).catch(() => undefined);
    await tell(made, { client: client('a') }, line('info'), line('error'), ['notifications/tools/list_changed', {}]);
    await silent.next('notifications/tools/list_changed');
    await listen.next('notifications/tools/list_changed');
    const lines = ({ told }: typeof listen) => told.filter(([method]) => method === LOG);
    expect(lines(listen)).toEqual([line('error')]);
    expect(lines(silent)).toEqual([]);
  });

  it('have the most verbose level that anyone wants now', async () => {
    const made = await ready({ one: asking() });
    const listen = await listening(made.servers, client('a'), {}, { logLevel: 'error' });
    const other = await listening(made.servers, client('b'), {}, { logLevel: 'notice' });
    await tool(made, 'release', {}, { client: client('a'), logLevel: 'debug' });
    await tool(made, 'release', {}, { client: client('a'), logLevel: 'error' });
    other.stop();
    await other.ended;
    listen.stop();
    await listen.ended;
    const levels = ['error', 'notice', 'debug', 'notice', 'error'].map((level) => ['level', level]);
    expect((await stateOf(made)).seen).toEqual(levels);
    await made.servers.restart('one', new AbortController().signal);
    expect((await stateOf(made)).seen).toEqual([]);
  });

  it('are wanted again after a restart', async () => {
    const made = await ready({ one: asking() });
    await listening(made.servers, client('a'), {}, { logLevel: 'info' });
    await made.servers.restart('one', new AbortController().signal);
    expect((await stateOf(made)).seen).toEqual([['level', 'info']]);
  });
});
