import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, dial, Refused } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';

describe('the upgrade', () => {
  let rig: Rig;
  let token: string;

  beforeAll(async () => {
    rig = await startRig();
    token = await rig.token('user');
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  async function refusal(
    ...args: Parameters<typeof dial> extends [Rig, ...infer Rest] ? Rest : never
  ): Promise<Refused> {
    const error: unknown = await dial(rig, ...args).then(
      () => new Error('it was not refused'),
      (reason: unknown) => reason,
    );
    if (!(error instanceof Refused)) throw error;
    return error;
  }

  test('opens with a token for the tunnel', async () => {
    const { agent, welcome } = await connect(rig, 'user');
    expect(agent.socket.protocol).toBe('mcp-tunnel.1');
    expect(agent.socket.extensions).toBe('');
    expect(welcome).toMatchObject({ version: 1, name: 'laptop', heartbeatSeconds: 15, pongSeconds: 10, calls: {} });
    agent.socket.close();
    await agent.closed;
  });

  test('without a token: 401 that says where to log in, before any WebSocket', async () => {
    const { status, headers } = await refusal(undefined);
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe(
      `Bearer resource_metadata="${rig.relay.publicUrl}/.well-known/oauth-protected-resource/ws", scope="tunnel"`,
    );
  });

  test('with a bad token: 401 and the reason', async () => {
    const { status, headers, body } = await refusal('not.a.token');
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toContain('error="invalid_token"');
    expect(body).not.toContain('not.a.token');
  });

  test("with a client's token: 401", async () => {
    expect((await refusal(await rig.token('user', { scope: 'mcp', path: '/mcp' }))).status).toBe(401);
  });

  test('with a token for the tunnel without its scope: 403', async () => {
    expect((await refusal(await rig.token('user', { scope: 'mcp' }))).status).toBe(403);
  });

  test('with an expired token: 401', async () => {
    expect((await refusal(await rig.token('user', { seconds: -120 }))).status).toBe(401);
  });

  test('with a token in the URL: 400', async () => {
    expect((await refusal(token, { path: `/ws?access_token=${token}` })).status).toBe(400);
    expect((await refusal(undefined, { path: `/ws?token=${token}` })).status).toBe(400);
  });

  test.each(['https://evil.example', 'null', ''])('with Origin "%s": 403', async (origin) => {
    expect((await refusal(token, { headers: { origin } })).status).toBe(403);
  });

  test("with the relay's own Origin: 403", async () => {
    expect((await refusal(token, { headers: { origin: rig.relay.publicUrl } })).status).toBe(403);
  });

  test.each(['', 'mcp-tunnel.2'])('with subprotocol "%s": 400', async (protocol) => {
    expect((await refusal(token, { protocol })).status).toBe(400);
  });

  test('for another host: 421', async () => {
    expect((await refusal(token, { headers: { host: 'evil.example' } })).status).toBe(421);
  });

  test('on another path: 404', async () => {
    expect((await refusal(token, { path: '/ws/deeper' })).status).toBe(404);
    expect((await refusal(token, { path: '/mcp' })).status).toBe(404);
  });

  test('a plain GET tells a good token from a bad one', async () => {
    const get = (bearer: string) => fetch(`${rig.origin}/ws`, { headers: { authorization: `Bearer ${bearer}` } });
    expect((await get(token)).status).toBe(426);
    expect((await get('bad')).status).toBe(401);
    expect((await get(await rig.token('user', { scope: 'mcp', path: '/mcp' }))).status).toBe(401);
  });

  test.each([
    ['no key', 'GET /ws HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAUTH\r\n\r\n'],
    ['another upgrade', 'GET /ws HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nAUTH\r\n\r\n'],
    ['a bad path', 'GET /%ff%zz HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['an absolute URL', 'GET http://[/ws HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['two hosts', 'GET /ws HTTP/1.1\r\nHost: HOST\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['a host that is none', 'GET /ws HTTP/1.1\r\nHost: a b@c\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['POST', 'POST /ws HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAUTH\r\n\r\n'],
    ['not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('survives an upgrade with %s', async (_what, text) => {
    const protocol = `Sec-WebSocket-Protocol: mcp-tunnel.1\r\nAuthorization: Bearer ${token}`;
    const answer = await raw(text.replace('HOST', new URL(rig.origin).host).replace('AUTH', protocol));
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await fetch(`${rig.origin}/healthz`)).status).toBe(200);
  });

  function raw(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connectTcp(Number(new URL(rig.origin).port), '127.0.0.1', () => socket.write(text, 'latin1'));
      let answer = '';
      socket.on('data', (data) => {
        answer += data.toString('latin1');
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  }
});
