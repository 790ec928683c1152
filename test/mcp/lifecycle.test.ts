import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient, replyOf } from './raw-client.js';
import { exposed, laptop } from './test-devices.js';
import { MapStore, startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
  relay.devices.setTools('u1', [exposed('u1', 'execute')]);
  relay.devices.setViews('u1', [laptop()]);
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

describe('initialize', () => {
  it.each(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'])('§7.21 answers %s with itself', async (version) => {
    const client = await RawClient.of(relay);
    const { response, body } = await client.initialize(version);
    expect(response.status).toBe(200);
    expect(body.result.protocolVersion).toBe(version);
  });

  it.each(['1900-01-01', '2026-07-28', undefined, 7])(
    '§7.21 answers the unknown version %s with the latest that has sessions',
    async (version) => {
      const client = await RawClient.of(relay);
      const { body } = await client.initialize('x', { protocolVersion: version });
      expect(body.result.protocolVersion).toBe('2025-11-25');
    },
  );

  it('names itself, with a title from 2025-06-18 on', async () => {
    const client = await RawClient.of(relay);
    const { body } = await client.initialize('2025-06-18');
    expect(body.result.serverInfo).toEqual({
      name: 'mcp-local-tunnel',
      title: 'MCP Local Tunnel',
      version: '0.0.1-test',
    });
    const old = await client.initialize('2025-03-26');
    expect(old.body.result.serverInfo).toEqual({ name: 'mcp-local-tunnel', version: '0.0.1-test' });
  });

  it('gives instructions: its own, then each server’s quoted under its name', async () => {
    const { body } = await (await RawClient.of(relay)).initialize('2025-11-25');
    expect(body.result.instructions).toMatch(/<server>__<tool>/);
    expect(body.result.instructions).toContain('## laptop/shell\n> Use with care.');
  });

  it('gives an id of visible ASCII that fits a proxy’s header buffer even for a talkative client', async () => {
    const client = await RawClient.of(relay);
    const big = 'x'.repeat(20_000);
    const { response } = await client.initialize('2025-11-25', {
      clientInfo: { name: big, version: big, icons: [{ src: `data:${big}` }] },
      capabilities: { experimental: { [big]: {} } },
    });
    const id = response.headers.get('mcp-session-id') ?? '';
    expect(id).toMatch(/^[\x21-\x7e]+$/);
    expect(id.length).toBeLessThan(3000);
    expect((await client.request(1, 'ping')).status).toBe(200);
  });

  it('refuses missing params in-band', async () => {
    const client = await RawClient.of(relay);
    const response = await client.post({ jsonrpc: '2.0', id: 1, method: 'initialize' });
    expect((await replyOf(response)).error.code).toBe(-32602);
  });
});

describe('§7.20 a session', () => {
  it('answers ping, takes notifications and responses with 202', async () => {
    const client = await RawClient.ready(relay);
    expect(await replyOf(await client.request('p', 'ping'))).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
    for (const message of [
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } },
      { jsonrpc: '2.0', method: 'no/such/notification' },
      { jsonrpc: '2.0', id: 9, result: {} },
      { jsonrpc: '2.0', id: 9, error: { code: 1, message: 'no' } },
    ]) {
      const response = await client.post(message);
      expect(response.status).toBe(202);
      expect(await response.text()).toBe('');
    }
  });

  it('is required: a request without its id is 400', async () => {
    const client = await RawClient.of(relay);
    const response = await client.request(1, 'ping');
    expect(response.status).toBe(400);
    expect((await replyOf(response)).error.message).toMatch(/initialize/);
  });

  it.each(['garbage', 'a.b.c.d.e', 'x'.repeat(7000)])('is 404 for the id %.20s', async (session) => {
    const client = await RawClient.of(relay);
    expect((await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).status).toBe(404);
  });

  it('is 404 for another user and for another client', async () => {
    const { session } = await RawClient.ready(relay);
    for (const principal of [{ user: 'u2' }, { client: 'c2' }]) {
      const other = await RawClient.of(relay, principal);
      expect((await other.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).status).toBe(404);
      expect((await other.send('DELETE', { session })).status).toBe(404);
      expect((await other.send('GET', { session })).status).toBe(404);
    }
  });

  it('ends with DELETE, for good', async () => {
    const client = await RawClient.ready(relay);
    const { session } = client;
    expect((await client.send('DELETE')).status).toBe(204);
    expect((await client.request(1, 'ping')).status).toBe(404);
    await using restarted = await startTestRelay({ secret: relay.secret, store: relay.store });
    const later = await RawClient.of(restarted);
    expect((await later.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).status).toBe(404);
  });

  it('survives a restart of the relay with its version', async () => {
    const { session } = await RawClient.ready(relay, '2025-03-26');
    await using restarted = await startTestRelay({ secret: relay.secret, store: relay.store });
    const later = await RawClient.of(restarted);
    const both = [1, 2].map((id) => later.post([{ jsonrpc: '2.0', id, method: 'ping' }], { session }));
    for (const response of await Promise.all(both)) expect(response.status).toBe(200);
    const foreign = await RawClient.of(restarted, { user: 'u2' });
    expect((await foreign.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).status).toBe(404);
  });

  it('is 404 for a foreign principal also where it is in no memory yet', async () => {
    const { session } = await RawClient.ready(relay);
    for (const principal of [{ user: 'u2' }, { client: 'c2' }]) {
      await using restarted = await startTestRelay({ secret: relay.secret, store: relay.store });
      const foreign = await RawClient.of(restarted, principal);
      expect((await foreign.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).status).toBe(404);
    }
  });

  it('that is ending is over before the store has it', async () => {
    const store = new MapStore();
    await using slow = await startTestRelay({ store });
    const client = await RawClient.ready(slow);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      store.put = async () => {
        resolve();
        await held;
      };
    });
    const ending = client.send('DELETE');
    await begun;
    expect((await client.request(1, 'ping')).status).toBe(404);
    release();
    expect((await ending).status).toBe(204);
  });

  it('whose end the store refuses is answered with 500, in JSON-RPC', async () => {
    const store = new MapStore();
    await using broken = await startTestRelay({ store });
    const client = await RawClient.ready(broken);
    store.put = () => Promise.reject(new Error('disk full'));
    const response = await client.send('DELETE');
    expect(response.status).toBe(500);
    expect((await replyOf(response)).error.code).toBe(-32603);
    expect(broken.log.errors).toEqual(['request failed Error: disk full']);
  });

  it('of another relay’s secret is 404', async () => {
    const { session } = await RawClient.ready(relay);
    await using other = await startTestRelay();
    const client = await RawClient.of(other);
    expect((await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).status).toBe(404);
  });

  it('is 404 when it is older than limits.sessionSeconds, remembered or not', async () => {
    await using short = await startTestRelay({ limits: { sessionSeconds: 0 } });
    const client = await RawClient.ready(short);
    expect((await client.request(1, 'ping')).status).toBe(404);
  });

  it('stores the log level and passes it with calls', async () => {
    const client = await RawClient.ready(relay);
    expect(await replyOf(await client.request(1, 'logging/setLevel', { level: 'error' }))).toMatchObject({
      result: {},
    });
    const answer = client.call(2, 'shell__execute');
    const call = await relay.devices.next();
    expect(call.request.logLevel).toBe('error');
    call.result('{}');
    await (await answer).text();
    const wrong = await client.request(3, 'logging/setLevel', { level: 'loud' });
    expect((await replyOf(wrong)).error.code).toBe(-32602);
  });

  it.each([
    'x/y',
    'toString',
    'tasks/get',
    'tasks/list',
    'server/discover',
    'subscriptions/listen',
    'sampling/createMessage',
  ])('answers %s with -32601 in-band', async (method) => {
    const client = await RawClient.ready(relay);
    const response = await client.request(1, method, {});
    expect(response.status).toBe(200);
    expect((await replyOf(response)).error.code).toBe(-32601);
  });
});

describe('MCP-Protocol-Version', () => {
  it('may be absent, equal, or another version with sessions', async () => {
    const client = await RawClient.ready(relay);
    for (const version of ['2025-11-25', '2025-06-18', '2024-11-05']) {
      const response = await client.post(
        { jsonrpc: '2.0', id: 1, method: 'ping' },
        { headers: { 'MCP-Protocol-Version': version } },
      );
      expect(response.status).toBe(200);
    }
  });

  it('is 400 when it is unknown', async () => {
    const client = await RawClient.ready(relay);
    const response = await client.post(
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { headers: { 'MCP-Protocol-Version': '1999-01-01' } },
    );
    expect(response.status).toBe(400);
  });
});

describe('the answer to initialize', () => {
  it('§7.21 is of this era whatever its header says, and never answered with the stateless revision', async () => {
    const client = await RawClient.of(relay);
    const response = await client.post(
      { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2026-07-28', capabilities: {} } },
      { headers: { 'MCP-Protocol-Version': '2026-07-28' } },
    );
    expect((await replyOf(response)).result.protocolVersion).toBe('2025-11-25');
  });

  it.each([
    ['2025-11-25', true],
    ['2024-11-05', false],
  ])('promises what any server may come to have (%s)', async (version, completions) => {
    const client = await RawClient.of(relay);
    expect((await client.initialize(version)).body.result.capabilities).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      ...(completions ? { completions: {} } : {}),
      logging: {},
      extensions: { 'io.modelcontextprotocol/ui': {} },
    });
  });
});
