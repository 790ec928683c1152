import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fill } from './endpoint-devices.js';
import { ModernClient } from './modern-client.js';
import { RawClient, replyOf } from './raw-client.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

const BOTH = 'mcp mcp:manage';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
beforeEach(() => fill(relay.devices));
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

const eras = [
  ['2025-11-25', (at: string, scope?: string) => RawClient.ready(relay, '2025-11-25', of(scope), at)],
  ['2025-03-26', (at: string, scope?: string) => RawClient.ready(relay, '2025-03-26', of(scope), at)],
  ['2026-07-28', (at: string, scope?: string) => ModernClient.of(relay, at, of(scope))],
] as const;

function of(scope: string | undefined): { scope?: string } {
  return scope === undefined ? {} : { scope };
}

describe.each(eras)('§7.37 restart at a merged endpoint, by a client of %s', (_version, client) => {
  it.each(['', '/laptop'])('/mcp%s is 403 without the scope mcp:manage, and no agent hears of it', async (at) => {
    const response = await (await client(at)).call('one', 'restart', { device: 'laptop' });
    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toBe('application/json');
    const challenge = response.headers.get('www-authenticate') ?? '';
    expect(challenge).toMatch(/^Bearer /);
    expect(challenge).toContain('error="insufficient_scope"');
    expect(challenge).toContain('scope="mcp mcp:manage"');
    expect(challenge).toContain(`/.well-known/oauth-protected-resource/mcp${at}"`);
    expect(challenge).toMatch(/error_description="[^"\\]*mcp:manage[^"\\]*"/);
    expect(await replyOf(response)).toMatchObject({
      id: 'one',
      error: { code: -32600, message: expect.stringMatching(/nothing was restarted.*Also let it restart my servers/) },
    });
    expect(relay.devices.waiting).toBe(0);
  });

  it.each(['mcp:manager', 'mcp:*', 'mcp manage'])('nor does the scope %s do', async (scope) => {
    const response = await (await client('', `mcp ${scope}`)).call(1, 'restart');
    expect(response.status).toBe(403);
    expect(relay.devices.waiting).toBe(0);
  });

  it('works with it', async () => {
    const answer = (await client('', BOTH)).call(1, 'restart', { device: 'laptop' });
    const call = await relay.devices.next();
    expect(call.request.method).toBe('agent/restart');
    call.result('{"servers":[{"name":"shell","status":"ready","tools":3}]}');
    const response = await answer;
    expect(response.status).toBe(200);
    expect((await replyOf(response)).result.content[0]?.text).toContain('laptop: restarted');
  });

  it('status and the list of tools need mcp alone', async () => {
    const plain = await client('');
    expect((await plain.call(1, 'status')).status).toBe(200);
    const { result } = await replyOf(await plain.request(2, 'tools/list'));
    expect(result.tools.find(({ name }) => name === 'restart')?.description).toContain('scope mcp:manage');
  });

  it('a server’s own endpoint knows no restart but the server’s', async () => {
    const answer = (await client('/laptop/shell')).call(1, 'restart', { device: 'laptop' });
    const call = await relay.devices.next();
    expect(call.target.server).toBe('shell');
    expect(call.request.method).toBe('tools/call');
    call.result('{"content":[]}');
    expect((await answer).status).toBe(200);
  });

  it('mcp:manage alone opens nothing', async () => {
    const token = await relay.token({ scope: 'mcp:manage' });
    const response = await fetch(relay.url, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain('scope="mcp", error="insufficient_scope"');
  });
});

it('§7.37 a session goes on with the token of a step-up', async () => {
  const before = await RawClient.ready(relay);
  expect((await before.call(1, 'restart')).status).toBe(403);
  const after = await RawClient.of(relay, { scope: BOTH, grant: 'g2' });
  const answer = after.call(2, 'restart', { device: 'laptop' }, { session: before.session });
  (await relay.devices.next()).result('{"servers":[]}');
  expect((await answer).status).toBe(200);
});

it('§7.37 in a batch the one item that lacks the scope is an error, the others are answered', async () => {
  const client = await RawClient.ready(relay, '2025-03-26');
  const call = (id: number, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });
  const response = await client.post([call(1, 'status'), call(2, 'restart')]);
  expect(response.status).toBe(200);
  const replies: unknown = await response.json();
  expect(replies).toHaveLength(2);
  expect(replies).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: 1, result: expect.anything() }),
      expect.objectContaining({ id: 2, error: expect.objectContaining({ code: -32600 }) }),
    ]),
  );
  expect(relay.devices.waiting).toBe(0);
});
