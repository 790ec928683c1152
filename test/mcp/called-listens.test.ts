import { describe, expect, it } from 'vitest';
import { devicesOfU1, shell } from './endpoint-devices.js';
import { RawClient, replyOf, SseReader } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import type { TestCall } from './test-call.js';
import { exposed } from './test-devices.js';
import type { TestRelay } from './test-relay.js';

const LOG = 'notifications/message';
const URI = 'laptop.shell+file:///a';

let relay: TestRelay;
relayOfEachTest((started) => {
  relay = started;
});

const at = (path = '') => RawClient.ready(relay, '2025-11-25', {}, path);

/** A GET stream that is open. */
async function streamOf(client: RawClient): Promise<SseReader> {
  const reader = new SseReader(await client.send('GET'));
  await reader.next();
  return reader;
}

/** One call to its end, at the server of the device that is meant. */
async function called(client: RawClient, method = 'tools/call', params: object = { name: 'shell__execute' }) {
  const answer = client.request(1, method, params);
  const call = await relay.devices.next();
  expect(call.request.method).toBe(method);
  call.result('{}');
  expect((await replyOf(await answer)).result).toEqual({});
}

/** The next call, which listens. */
async function listening(): Promise<TestCall> {
  const call = await relay.devices.next();
  expect(call.request).toMatchObject({ method: 'subscriptions/listen', lasting: true });
  call.acknowledge({});
  return call;
}

describe('what a server says outside of calls, at an endpoint of several', () => {
  it('§7.35 comes on the GET stream from its first call on, as it is, until the stream closes', async () => {
    const client = await at();
    const reader = await streamOf(client);
    expect(relay.devices.waiting).toBe(0);
    await called(client);
    const call = await listening();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(JSON.parse(call.params)).toEqual({ notifications: {} });
    expect(call.request.logLevel).toBe('info');
    expect(call.request.client).toMatchObject({ era: 'legacy', ask: 'none', uriKey: 'laptop.shell' });
    await called(client);
    expect(relay.devices.waiting).toBe(0);
    const texts = [
      `{"jsonrpc":"2.0","method":"${LOG}","params":{"level":"info","data":9007199254740993}}`,
      '{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e"}}',
    ];
    for (const text of texts) call.sink.event(Buffer.from(text));
    expect([(await reader.next())?.data, (await reader.next())?.data]).toEqual(texts);
    await reader.cancel();
    expect(await call.cancellation()).toBe('the client listens no more');
  });

  it('§7.35 is no list that has changed, no resource, and nothing of the server’s own', async () => {
    const client = await at('/laptop');
    const reader = await streamOf(client);
    await called(client);
    const call = await listening();
    const before = call.consumedBytes;
    for (const kind of ['tools', 'prompts', 'resources']) call.notify(`notifications/${kind}/list_changed`);
    call.notify('notifications/resources/updated', { uri: URI });
    call.notify('acme/odd');
    // Nothing that is left out takes from the window.
    expect(call.consumedBytes).toBeGreaterThan(before + 200);
    call.notify(LOG, { level: 'error', data: 'last' });
    expect(await reader.message()).toMatchObject({ method: LOG, params: { data: 'last' } });
    await reader.cancel();
    await call.cancellation();
  });

  it.each([
    ['resources/read', { uri: URI }],
    ['completion/complete', { ref: { type: 'ref/resource', uri: URI }, argument: { name: 'a', value: '' } }],
  ])('is listened to after %s, when the stream opens', async (method, params) => {
    const client = await at();
    await called(client, method, params);
    expect(relay.devices.waiting).toBe(0);
    const first = await streamOf(client);
    const call = await listening();
    expect(call.request.client.uriKey).toBe('laptop.shell');
    const second = await streamOf(client);
    call.notify(LOG, { level: 'error' });
    expect(await second.message()).toMatchObject({ method: LOG });
    await second.cancel();
    await first.cancel();
    await call.cancellation();
  });

  it('§7.35 is told from the level of its own session on, by each server once', async () => {
    relay.devices.setTools('u1', [exposed('u1', 'execute'), exposed('u1', 'echo', {}, 'plain')]);
    const client = await at();
    const other = await at();
    const reader = await streamOf(client);
    await streamOf(other);
    await called(client);
    const shell = await listening();
    await called(client, 'tools/call', { name: 'plain__echo' });
    const plain = await listening();
    expect([shell, plain].map(({ target }) => target.server)).toEqual(['shell', 'plain']);
    await client.request(2, 'logging/setLevel', { level: 'error' });
    const anew = [await listening(), await listening()];
    expect(anew.map(({ request, target }) => [target.server, request.logLevel])).toEqual([
      ['shell', 'error'],
      ['plain', 'error'],
    ]);
    expect([shell.cancelled, plain.cancelled]).toEqual(['listening anew', 'listening anew']);
    anew[1]?.notify(LOG, { level: 'error' });
    expect(await reader.message()).toMatchObject({ method: LOG });
    const ending = client.send('DELETE');
    (await relay.devices.next()).result('{}');
    expect((await ending).status).toBe(204);
    expect(anew.map(({ cancelled }) => cancelled)).toEqual(['the session has ended', 'the session has ended']);
  });

  it('is left alone by one that refuses or is gone, until the next call', async () => {
    const client = await at();
    const reader = await streamOf(client);
    await called(client);
    (await relay.devices.next()).sink.fail({ code: 'busy', dispatched: false, message: 'Too many listen.' });
    relay.devices.changed('u1');
    expect(relay.devices.waiting).toBe(0);
    await called(client);
    const call = await listening();
    relay.devices.setViews('u1', []);
    call.sink.fail({ code: 'lost', dispatched: true, message: 'Lost.' });
    relay.devices.changed('u1');
    relay.devices.setViews('u1', devicesOfU1());
    relay.devices.changed('u1');
    expect(relay.devices.waiting).toBe(0);
    await called(client);
    const again = await listening();
    again.notify(LOG, { level: 'error' });
    expect(await reader.message()).toMatchObject({ method: LOG });
    await reader.cancel();
    await again.cancellation();
  });

  it('is not waited for at a server of the stateless revision', async () => {
    const laptop = { servers: [{ ...shell, era: 'modern' as const }] };
    relay.devices.setViews('u1', devicesOfU1(laptop));
    const client = await at();
    const reader = await streamOf(client);
    await called(client);
    expect(relay.devices.waiting).toBe(0);
    await reader.cancel();
  });
});
