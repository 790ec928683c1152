import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { endSession } from './end-session.js';
import { devicesOfU1, shell } from './endpoint-devices.js';
import { RawClient, SseReader } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
relayOfEachTest((started) => {
  relay = started;
});

const at = (path: string, version = '2025-11-25') => RawClient.ready(relay, version, {}, path);

describe('the GET stream of a transparent endpoint', () => {
  it('§7.28 is one listening call, whose notifications come as they are', async () => {
    const client = await at('/laptop/shell');
    const response = await client.send('GET');
    const call = await relay.devices.next();
    expect(call.request).toMatchObject({
      method: 'subscriptions/listen',
      lasting: true,
      logLevel: 'info',
      client: { era: 'legacy', ask: 'none', endpoint: 'server' },
    });
    expect(JSON.parse(call.params)).toEqual({
      notifications: { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true },
    });
    const reader = new SseReader(response);
    call.acknowledge({ toolsListChanged: true });
    const texts = [
      '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}',
      '{"jsonrpc":"2.0","method":"acme/odd","params":{"n":9007199254740993}}',
    ];
    for (const text of texts) call.sink.event(Buffer.from(text));
    await reader.next();
    expect([(await reader.next())?.data, (await reader.next())?.data]).toEqual(texts);
    expect(call.consumedBytes).toBeGreaterThan(0);
    await reader.cancel();
    expect(await call.cancellation()).toBe('the client listens no more');
  });

  it('is listened to once, however many streams there are, and on the newest', async () => {
    const client = await at('/laptop/shell');
    const first = new SseReader(await client.send('GET'));
    const call = await relay.devices.next();
    call.acknowledge({});
    const second = new SseReader(await client.send('GET'));
    await second.next();
    expect(relay.devices.waiting).toBe(0);
    call.notify('acme/odd');
    expect(await second.message()).toMatchObject({ method: 'acme/odd' });
    await second.cancel();
    await first.cancel();
    expect(await call.cancellation()).toBe('the client listens no more');
  });

  it('is told no more than its reader reads', async () => {
    const client = await at('/laptop/shell');
    const headers = { Authorization: `Bearer ${client.token}`, 'Mcp-Session-Id': client.session };
    const sent = request(client.url, { headers }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    const call = await relay.devices.next();
    call.acknowledge({});
    const event = Buffer.from(`{"jsonrpc":"2.0","method":"acme/big","params":{"x":"${'x'.repeat(2 ** 20)}"}}`);
    const before = call.consumedBytes;
    const count = 60;
    const window = 4 * event.length;
    const sendAll = async () => {
      for (let given = 0; given < count; given += 1) {
        await call.consumption(before + given * event.length - window);
        call.sink.event(event);
      }
    };
    const sending = sendAll();
    const stalled = new Promise<'stalled'>((resolve) => setTimeout(resolve, 400, 'stalled'));
    expect(await Promise.race([stalled, sending])).toBe('stalled');
    response.resume();
    await sending;
    await call.consumption(before + count * event.length);
    sent.destroy();
    expect(await call.cancellation()).toBe('the client listens no more');
  });

  it('§7.35 is told of log lines from the level of its own session on', async () => {
    const client = await at('/laptop/shell');
    const other = await at('/laptop/shell');
    const reader = new SseReader(await client.send('GET'));
    const first = await relay.devices.next();
    await new SseReader(await other.send('GET')).next();
    const theirs = await relay.devices.next();
    first.acknowledge({});
    await client.request(1, 'logging/setLevel', { level: 'error' });
    const again = await relay.devices.next();
    expect(first.cancelled).toBeDefined();
    expect(again.request.logLevel).toBe('error');
    expect(theirs.request.logLevel).toBe('info');
    expect(theirs.cancelled).toBeUndefined();
    await client.request(2, 'logging/setLevel', { level: 'error' });
    again.acknowledge({});
    again.notify('notifications/message', { level: 'error' });
    expect(await reader.message()).toMatchObject({ method: 'notifications/message' });
  });

  it('is taken up again when the server comes back, and tells what is different', async () => {
    const client = await at('/laptop/shell');
    const reader = new SseReader(await client.send('GET'));
    const call = await relay.devices.next();
    call.acknowledge({ toolsListChanged: true });
    relay.devices.setViews('u1', devicesOfU1({ servers: [{ ...shell, prompts: [{ name: 'new' }] }] }));
    call.sink.fail({ code: 'lost', dispatched: true, message: 'Lost.' });
    relay.devices.changed('u1');
    (await relay.devices.next()).acknowledge({ toolsListChanged: true });
    expect(await reader.message()).toMatchObject({ method: 'notifications/prompts/list_changed' });
    await endSession(client, relay.devices);
    expect(await reader.rest()).toEqual([]);
  });

  it('tells at once what changed since the client listed', async () => {
    const client = await at('/laptop/shell');
    const fewer = devicesOfU1({ servers: [{ ...shell, tools: [] }] });
    relay.devices.setViews('u1', fewer);
    const reader = new SseReader(await client.send('GET'));
    (await relay.devices.next()).acknowledge({});
    expect(await reader.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
    await reader.cancel();
    relay.devices.setViews('u1', devicesOfU1());
    const answer = client.request(1, 'tools/list');
    (await relay.devices.next()).result('{"tools":[]}');
    await answer;
    const later = new SseReader(await client.send('GET'));
    const call = await relay.devices.next();
    call.acknowledge({});
    call.notify('acme/odd');
    expect(await later.message()).toMatchObject({ method: 'acme/odd' });
    await endSession(client, relay.devices);
  });
});

describe('the GET stream of a session from before a restart', () => {
  it('tells of the lists that its server has', async () => {
    const sessions = [await at('/laptop/plain'), await at('/laptop/shell')].map(({ session }) => session);
    const { secret, store, devices } = relay;
    await using restarted = await startTestRelay({ secret, store, devices });
    for (const [path, kinds] of [
      ['/laptop/plain', []],
      ['/laptop/shell', ['tools', 'prompts', 'resources']],
    ] as const) {
      const client = await RawClient.of(restarted, {}, path);
      const reader = new SseReader(await client.send('GET', { session: sessions.shift() ?? '' }));
      const call = await devices.next();
      call.notify('acme/last');
      const methods = [...kinds.map((kind) => `notifications/${kind}/list_changed`), 'acme/last'];
      for (const method of methods) expect(await reader.message()).toMatchObject({ method });
      await reader.cancel();
      await call.cancellation();
    }
  });
});

describe('the GET stream of several servers', () => {
  it('§7.28 tells of each kind of list once', async () => {
    const client = await at('');
    const reader = new SseReader(await client.send('GET'));
    await reader.next();
    relay.devices.setPrompts('u1', [], 'p2');
    relay.devices.changed('u1');
    relay.devices.setTemplates('u1', [], 't2');
    relay.devices.setTools('u1', [], 'x2');
    expect([await reader.message(), await reader.message(), await reader.message()]).toEqual(
      ['prompts', 'resources', 'tools'].map((kind) => ({
        jsonrpc: '2.0',
        method: `notifications/${kind}/list_changed`,
      })),
    );
    await client.send('DELETE');
    expect(await reader.rest()).toEqual([]);
  });
});
