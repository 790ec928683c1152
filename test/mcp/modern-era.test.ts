import { describe, expect, it } from 'vitest';
import { envelope, headersOf, ModernClient, PREFIX, VERSION } from './modern-client.js';
import { RawClient, replyOf } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import type { TestRelay } from './test-relay.js';

let relay: TestRelay;
let modern: ModernClient;
relayOfEachTest(async (started) => {
  relay = started;
  modern = await ModernClient.of(relay);
});

describe('both eras on one URL (§7.19)', () => {
  it('each request is of its own, whatever came before', async () => {
    const legacy = await RawClient.ready(relay);
    for (let round = 1; round <= 3; round += 1) {
      const [old, now] = await Promise.all([
        replyOf(await legacy.request(round, 'tools/list')),
        modern.reply(round, 'tools/list'),
      ]);
      expect(old.result).not.toHaveProperty('resultType');
      expect(now.result).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
      expect(now.result.tools.map(({ name }) => name)).toEqual(old.result.tools.map(({ name }) => name));
    }
  });

  it('a modern answer has no session, and takes no notice of one or of Last-Event-ID', async () => {
    const legacy = await RawClient.ready(relay);
    for (const session of [legacy.session, 'nonsense']) {
      const response = await modern.request(1, 'tools/list', {}, { session, headers: { 'Last-Event-ID': 'x.1.' } });
      expect(response.status).toBe(200);
      expect(response.headers.has('mcp-session-id')).toBe(false);
    }
    const refused = await modern.request(1, 'nope');
    expect(refused.headers.has('mcp-session-id')).toBe(false);
    expect((await legacy.request(9, 'ping')).status).toBe(200);
  });

  it.each(['GET', 'DELETE'])('%s without a session is not allowed', async (method) => {
    const raw = await RawClient.of(relay);
    const response = await raw.send(method, { headers: { 'MCP-Protocol-Version': VERSION } });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toContain('POST');
  });

  it('a response POSTed without a session is refused', async () => {
    const response = { jsonrpc: '2.0', id: 1, result: {} };
    const raw = await RawClient.of(relay);
    expect((await raw.post(response)).status).toBe(400);
    expect((await raw.post(response, { headers: { 'MCP-Protocol-Version': VERSION } })).status).toBe(400);
  });

  it('a batch is refused, whatever is in it', async () => {
    const one = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: envelope() } };
    for (const headers of [headersOf(one), {}]) {
      expect((await modern.raw(JSON.stringify([one]), headers)).status).toBe(400);
    }
  });

  it('initialize is legacy unless it has an envelope of the stateless revision', async () => {
    const initialize = (meta: object | undefined, headers: Readonly<Record<string, string>> = {}) =>
      modern.raw(
        JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {}, _meta: meta },
        }),
        headers,
      );
    for (const meta of [undefined, {}, { [`${PREFIX}protocolVersion`]: '2025-11-25' }]) {
      const response = await initialize(meta);
      expect(response.headers.get('mcp-session-id')).toEqual(expect.any(String));
      expect((await replyOf(response)).result.protocolVersion).toBe('2025-11-25');
    }
    const response = await initialize(envelope(), headersOf({ method: 'initialize' }));
    expect(response.status).toBe(404);
    expect(response.headers.has('mcp-session-id')).toBe(false);
  });

  it('a request with neither envelope nor session is refused', async () => {
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    expect((await modern.send(message, { without: ['MCP-Protocol-Version'] })).status).toBe(400);
    const response = await modern.send(message);
    expect(response.status).toBe(400);
    expect((await replyOf(response)).error.code).toBe(-32602);
  });

  it('an envelope decides against the header of another era', async () => {
    const response = await modern.request(1, 'tools/list', {}, { headers: { 'MCP-Protocol-Version': '2025-11-25' } });
    expect((await replyOf(response)).error.code).toBe(-32020);
  });

  it('without a token nothing is said of eras', async () => {
    const response = await modern.request(1, 'tools/list', {}, { without: ['Authorization', 'Mcp-Method'] });
    expect(response.status).toBe(401);
    expect(await response.text()).not.toMatch(/-320|2026/);
  });

  it('what is not there is 404, but the model is told in a tool’s result', async () => {
    const nowhere = await ModernClient.of(relay, '/laptop/nowhere');
    for (const method of ['server/discover', 'tools/list', 'subscriptions/listen']) {
      const response = await nowhere.request('i', method);
      expect(response.status).toBe(404);
      const { id, error } = await replyOf(response);
      expect({ id, code: error.code }).toEqual({ id: 'i', code: -32600 });
      expect(error.message).toContain('There is nothing at /mcp/laptop/nowhere');
    }
    const { result } = await nowhere.reply(1, 'tools/call', { name: 'x' });
    expect(result).toMatchObject({ resultType: 'complete', isError: true });
    expect(result.content[0]?.text).toContain('There is nothing at /mcp/laptop/nowhere');
  });

  it('notifications are taken; of them a server gets, at its own endpoint, what is its', async () => {
    const server = await ModernClient.of(relay, '/laptop/shell');
    const notify = (client: ModernClient, method: string, meta: object | undefined) =>
      client.send({ jsonrpc: '2.0', method, params: { n: 1, _meta: meta } });
    for (const client of [modern, server]) {
      expect((await notify(client, 'notifications/cancelled', envelope())).status).toBe(202);
      expect((await notify(client, 'notifications/roots/list_changed', envelope())).status).toBe(202);
      expect((await notify(client, 'acme/told', undefined)).status).toBe(202);
    }
    expect((await notify(modern, 'acme/told', envelope())).status).toBe(202);
    expect(relay.devices.waiting).toBe(0);
    expect((await notify(server, 'acme/told', envelope())).status).toBe(202);
    const call = await relay.devices.next();
    expect(call.request).toMatchObject({ method: 'acme/told', notify: true, client: { era: 'modern' } });
    expect(JSON.parse(call.params)).toMatchObject({ n: 1 });
  });
});
