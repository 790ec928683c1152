import { describe, expect, it } from 'vitest';
import { shell } from './endpoint-devices.js';
import { RawClient, replyOf, SseReader } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import { exposed } from './test-devices.js';
import type { TestRelay } from './test-relay.js';

let relay: TestRelay;
relayOfEachTest((started) => {
  relay = started;
});

const at = (path: string, version = '2025-11-25') => RawClient.ready(relay, version, {}, path);

async function names(client: RawClient): Promise<unknown[]> {
  const { result } = await replyOf(await client.request(1, 'tools/list'));
  return result.tools.map(({ name }) => name);
}

describe('the endpoint of a device', () => {
  it('is the relay’s own, narrowed to that device', async () => {
    const client = await RawClient.of(relay, {}, '/laptop');
    const { body } = await client.initialize('2025-11-25');
    expect(body.result.serverInfo).toMatchObject({ name: 'mcp-local-tunnel' });
    expect(body.result.instructions).toContain('laptop/shell');
    expect(body.result.instructions).not.toContain('desk');
    expect(await names(client)).toEqual(['status', 'restart', 'shell__execute']);
    expect((await replyOf(await client.call(2, 'status'))).result.structuredContent).toMatchObject({
      devices: [{ name: 'laptop' }],
    });
    const answer = client.call(3, 'shell__execute');
    const call = await relay.devices.next();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: 'shell' });
    expect(call.request.client.endpoint).toBe('device');
    expect(call.params).toBe('{"name":"execute","arguments":{}}');
    call.result('{}');
    await (await answer).text();
    expect((await replyOf(await client.call(4, 'shell__lock'))).error.message).toBe('Unknown tool: shell__lock');
    expect((await replyOf(await client.request(5, 'prompts/list'))).result).toEqual({ prompts: [] });
  });

  it('restarts no server of another device', async () => {
    const client = await RawClient.ready(relay, '2025-11-25', { scope: 'mcp mcp:manage' }, '/laptop');
    const other = await replyOf(await client.call(1, 'restart', { device: 'desk' }));
    expect(other.result).toMatchObject({ isError: true, content: [{ text: 'Unknown device "desk". Known: laptop.' }] });
    const answer = client.call(2, 'restart');
    const call = await relay.devices.next();
    expect(call.target).toEqual({ userId: 'u1', deviceId: 'device-1', server: '' });
    call.result('{"servers":[]}');
    await (await answer).text();
  });

  it('keeps its sessions while the device is gone', async () => {
    const client = await at('/laptop');
    relay.devices.setViews('u1', []);
    expect(await names(client)).toEqual(['status', 'restart']);
    expect((await replyOf(await client.call(1, 'shell__execute'))).error.code).toBe(-32602);
  });
});

describe('tokens', () => {
  it.each([
    ['', '/laptop', 200],
    ['', '/laptop/shell', 200],
    ['/laptop', '/laptop', 200],
    ['/laptop', '/laptop/shell', 200],
    ['/laptop/shell', '/laptop/shell', 200],
    ['/laptop', '', 401],
    ['/laptop', '/desk', 401],
    ['/laptop', '/desk/shell', 401],
    ['/laptop/shell', '/laptop', 401],
    ['/laptop/shell', '/laptop/plain', 401],
    ['/lap', '/laptop', 401],
  ])('one for /mcp%s at /mcp%s: %i', async (path, endpoint, status) => {
    const client = await RawClient.of(relay, { path }, endpoint);
    const params = { protocolVersion: '2025-11-25', capabilities: {} };
    const response = await client.post({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    expect(response.status).toBe(status);
  });

  it.each(['', '/laptop', '/laptop/shell', '/nobody/has-this'])('are asked for by /mcp%s itself', async (path) => {
    const response = await fetch(`${relay.url}${path}`, { method: 'POST' });
    expect(response.status).toBe(401);
    const metadata = `http://relay.test/.well-known/oauth-protected-resource/mcp${path}`;
    expect(response.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${metadata}", scope="mcp"`);
  });

  it('may come from a page in a browser', async () => {
    const response = await fetch(`${relay.url}/laptop/shell`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://a.example' },
    });
    expect(response.status).toBe(204);
  });
});

describe('an endpoint that is not there', () => {
  const INITIALIZE = { jsonrpc: '2.0', id: 5, method: 'initialize', params: { protocolVersion: '2025-11-25' } };
  const ALL = '/mcp/desk, /mcp/desk/shell, /mcp/laptop, /mcp/laptop/broken, /mcp/laptop/plain, /mcp/laptop/shell';

  it.each(['/phone', '/phone/shell', '/nobody', '/Laptop', '/laptop/Shell', '/laptop/none', '/status', '/restart'])(
    '%s is 404 and says what is',
    async (path) => {
      const client = await RawClient.of(relay, {}, path);
      const response = await client.post(INITIALIZE);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        jsonrpc: '2.0',
        id: 5,
        error: {
          code: -32600,
          message: `There is nothing at /mcp${path}. You have: ${ALL}. A device is there while its agent runs: npx -y mcp-local-tunnel agent`,
        },
      });
      for (const method of ['GET', 'DELETE', 'HEAD']) expect((await client.send(method)).status).toBe(404);
      expect((await client.request(1, 'ping')).status).toBe(404);
    },
  );

  it('is named with others only where the token opens them', async () => {
    const client = await RawClient.of(relay, { path: '/laptop' }, '/laptop/none');
    const { error } = await replyOf(await client.post(INITIALIZE));
    expect(error.message).toContain('You have: /mcp/laptop, /mcp/laptop/broken, /mcp/laptop/plain, /mcp/laptop/shell.');
    const stranger = await RawClient.of(relay, { user: 'u3' }, '/laptop');
    const answer = await replyOf(await stranger.post(INITIALIZE));
    expect(answer.error.message).toContain('No device that your login opens is connected');
  });

  it.each([
    ['/%6captop', 404],
    ['/laptop%2Fshell', 404],
    ['/laptop/shell/more', 404],
    ['/..%2f', 404],
    ['/lap top', 404],
    ['//laptop', 404],
    ['/laptop/%00', 404],
    ['/MCP', 404],
    ['/%', 400],
  ])('%s is no path of any: %i', async (path, status) => {
    const client = await RawClient.of(relay, {}, path);
    expect((await client.post(INITIALIZE)).status).toBe(status);
  });

  it('forgives a slash at its end', async () => {
    const client = await RawClient.of(relay, {}, '/laptop/shell/');
    expect((await client.initialize('2025-11-25')).body.result.serverInfo).toEqual(shell.serverInfo);
  });
});

describe('a session', () => {
  it('is of use at its own endpoint only', async () => {
    const { session } = await at('/laptop');
    for (const path of ['', '/desk', '/laptop/shell']) {
      const client = await RawClient.of(relay, {}, path);
      expect((await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).status).toBe(404);
    }
  });

  it('of a device hears nothing of another device', async () => {
    const client = await at('/laptop');
    const reader = new SseReader(await client.send('GET'));
    await reader.next();
    relay.devices.setTools('u1', [exposed('u1', 'execute')]);
    relay.devices.setTools('u1', []);
    expect((await reader.next())?.data).toContain('notifications/tools/list_changed');
    await client.send('DELETE');
    expect(await reader.rest()).toEqual([]);
  });
});
