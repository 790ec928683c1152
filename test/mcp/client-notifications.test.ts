import { describe, expect, it } from 'vitest';
import { RawClient } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import type { TestRelay } from './test-relay.js';

let relay: TestRelay;
relayOfEachTest((started) => {
  relay = started;
});

const at = (path: string) => RawClient.ready(relay, '2025-11-25', {}, path);

describe('a client’s notification', () => {
  it('goes to the server of a transparent endpoint, and nothing comes of its answer', async () => {
    const client = await at('/laptop/shell');
    const text = '{"jsonrpc":"2.0","method":"notifications/acme","params":{"n":9007199254740993, "a" :1}}';
    expect((await client.post(text)).status).toBe(202);
    const call = await relay.devices.next();
    expect(call.request).toMatchObject({ method: 'notifications/acme', notify: true });
    expect(call.params).toBe('{"n":9007199254740993, "a" :1}');
    call.result('{}');
    await client.post({ jsonrpc: '2.0', method: 'notifications/acme' });
    const failing = await relay.devices.next();
    expect(failing.params).toBe('');
    failing.sink.fail({ code: 'offline', dispatched: false, message: 'x' });
  });

  it('goes nowhere while the relay drains', async () => {
    const client = await at('/laptop/shell');
    relay.draining.begin();
    expect((await client.post({ jsonrpc: '2.0', method: 'notifications/acme' })).status).toBe(202);
    expect(relay.devices.waiting).toBe(0);
  });

  it.each([
    ['/laptop/shell', 'notifications/initialized'],
    ['/laptop/shell', 'notifications/cancelled'],
    ['/laptop/shell', 'notifications/progress'],
    ['/laptop/shell', 'notifications/roots/list_changed'],
    ['', 'notifications/acme'],
    ['/laptop', 'notifications/acme'],
  ])('at %j goes nowhere when it is %s', async (path, method) => {
    const client = await at(path);
    expect((await client.post({ jsonrpc: '2.0', method, params: {} })).status).toBe(202);
    await client.request(1, 'ping');
    expect(relay.devices.waiting).toBe(0);
  });
});
