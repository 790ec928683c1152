import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { decodeCall } from '../../src/protocol/call-messages.js';
import { FrameType } from '../../src/protocol/frames.js';
import { connect } from '../tunnel/fake-agent.js';
import { type Rig, startRig } from '../tunnel/relay-rig.js';
import { McpClient } from './mcp-client.js';

/** Attacks on a whole relay that no test of one part makes. */

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(() => {
  process.on('unhandledRejection', note);
});
afterAll(() => {
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

let rig: Rig;
afterEach(async () => {
  expect(rig.log.filter((line) => line.startsWith('error'))).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(rig.relay.port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

/** The first line of the answer to these bytes. */
async function raw(request: string): Promise<string> {
  const socket = await open();
  socket.end(request.replaceAll('HOST', `localhost:${rig.relay.port}`), 'latin1');
  return (await text(socket)).split('\r\n', 1)[0] ?? '';
}

test('requests that servers and proxies read differently are refused, and the relay goes on', async () => {
  rig = await startRig();
  const head = 'Host: HOST\r\nConnection: close\r\n';
  const post = (lines: string, body: string) => `POST /mcp HTTP/1.1\r\n${head}${lines}\r\n\r\n${body}`;
  const requests: readonly (readonly [string, RegExp])[] = [
    [post('Content-Length: 6\r\nTransfer-Encoding: chunked', '0\r\n\r\nX'), /400/],
    [post('Transfer-Encoding : chunked', '0\r\n\r\n'), /400/],
    [post('Transfer-Encoding: xchunked', '0\r\n\r\n'), /400/],
    [post('Content-Length: 1\r\nContent-Length: 2', 'ab'), /400/],
    [post('Authorization: Bearer a\r\n b', ''), /400/],
    ['GET /mcp HTTP/1.1\nHost: HOST\n\n', /400/],
    [`GET http://evil.example/mcp HTTP/1.1\r\n${head}\r\n`, /400/],
    [`GET http://evil.example/healthz HTTP/1.1\r\n${head}\r\n`, /400/],
    [`GET http://[::bad/ HTTP/1.1\r\n${head}\r\n`, /400/],
    [`OPTIONS * HTTP/1.1\r\n${head}\r\n`, /400/],
    ['GET /mcp HTTP/1.1\r\nConnection: close\r\n\r\n', /400/],
    ['GET /mcp HTTP/1.1\r\nHost: evil.example\r\nHost: HOST\r\n\r\n', /421/],
    ['GET /mcp HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: HOST\r\n\r\n', /421/],
    ['GET /mcp HTTP/1.1\r\nHost: a@HOST\r\n\r\n', /421/],
    [`GET /MCP HTTP/1.1\r\n${head}\r\n`, /404/],
    [`GET /%6dcp HTTP/1.1\r\n${head}\r\n`, /404/],
    [`GET //mcp HTTP/1.1\r\n${head}\r\n`, /404/],
    [`GET /x/../mcp HTTP/1.1\r\n${head}\r\n`, /404/],
    [post('Origin: null', ''), /403/],
    [post('Origin: http://HOST\r\nOrigin: https://evil.example', ''), /403/],
    [`GET /interaction/%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\n${head}\r\n`, /400/],
    [`GET /interaction/__proto__ HTTP/1.1\r\n${head}Cookie: relay_interaction=__proto__\r\n\r\n`, /400/],
  ];
  for (const [request, status] of requests)
    expect([request, await raw(request)]).toEqual([request, expect.stringMatching(status)]);
  expect((await fetch(`${rig.origin}/healthz`)).status).toBe(200);
});

test('what a page shows of its address is text', async () => {
  rig = await startRig();
  const script = 'script>alert(1)</script>';
  const query = new URLSearchParams({ user_code: `"><${script}` });
  const html = await (await fetch(`${rig.origin}/device?${query}`)).text();
  expect(html).toContain('name="user_code"');
  expect(html).not.toContain('<script>');
});

test('sockets that never finish their headers are closed, and honest ones answered meanwhile', async () => {
  rig = await startRig({ headerSeconds: 1, bodySeconds: 1 });
  const token = await rig.token('anna', { scope: 'mcp', path: '/mcp' });
  const slow = await Promise.all(Array.from({ length: 50 }, () => open()));
  const closed = slow.map((socket) => once(socket.on('error', () => {}).resume(), 'close'));
  slow.forEach((socket, index) => {
    const body = `POST /mcp HTTP/1.1\r\nHost: localhost:${rig.relay.port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
    socket.write(index % 2 === 0 ? 'GET /mcp HTTP/1.1\r\nHost: x\r\nX-A' : body);
  });
  expect((await fetch(`${rig.origin}/healthz`)).status).toBe(200);
  await Promise.all(closed);
});

test('an address a client makes up does not count; only what trusted proxies add', async () => {
  for (const trustProxy of [false, 1]) {
    rig = await startRig({ requestsPerMinute: 3 }, { trustProxy, issuerUrl: 'https://relay.example' });
    const visit = async (forwarded: string) => {
      // With one trusted hop the proxy in front appends the address it saw; all before it is the client's own word.
      const headers = {
        'x-forwarded-for': `${forwarded}, 198.51.100.7`,
        'x-real-ip': forwarded,
        forwarded: `for=${forwarded}`,
      };
      return await raw(
        `GET / HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n${Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('')}\r\n`,
      );
    };
    const answers = [];
    for (let spoofed = 1; spoofed <= 4; spoofed += 1) answers.push(await visit(`192.0.2.${spoofed}`));
    expect(answers.map((line) => line.split(' ')[1])).toEqual(['200', '200', '200', '429']);
    if (trustProxy === false) await rig[Symbol.asyncDispose]();
  }
});

describe('one user against another', () => {
  test('equal ids, and every handle of the other: session, event, cursor, cancel', async () => {
    rig = await startRig({ pageSize: 3, silentSeconds: 1 });
    const [{ agent: anna }, { agent: mallory }] = [await connect(rig, 'anna'), await connect(rig, 'mallory')];
    anna.catalog('shell', ['a', 'b', 'c', 'anna-only']);
    mallory.catalog('shell', ['a', 'b', 'c', 'd']);
    await Promise.all([anna.settled(), mallory.settled()]);
    const hers = await McpClient.of(rig, 'anna', 'client');
    const his = await McpClient.of(rig, 'mallory', 'client');
    const herOther = await McpClient.of(rig, 'anna', 'other-client');

    const running = hers.call(1, 'shell__a', { secret: 'of-anna' });
    const call = await anna.next(FrameType.call);
    expect(decodeCall(call.body).params.toString()).toContain('of-anna');
    const mine = his.call(1, 'shell__a', { secret: 'of-mallory' });
    const other = await mallory.next(FrameType.call);
    expect(other.body.toString()).not.toContain('of-anna');
    anna.send(FrameType.event, call.id, '{"jsonrpc":"2.0","method":"notifications/progress","params":{"n":"of-anna"}}');
    const stream = (await running).body?.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    while (!heard.includes('of-anna')) heard += (await stream?.read())?.value ?? '';
    const eventId = /^id: (.+)$/m.exec(heard)?.[1] ?? '';

    for (const stranger of [his, herOther]) {
      const stolen = { 'mcp-session-id': hers.session };
      const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
      expect((await stranger.post(cancel, stolen)).status).toBe(404);
      expect((await stranger.post({ jsonrpc: '2.0', id: 2, method: 'tools/list' }, stolen)).status).toBe(404);
      expect((await stranger.get({ ...stolen, 'last-event-id': eventId })).status).toBe(404);
      expect((await stranger.delete(stolen)).status).toBe(404);
      expect(await (await stranger.get({ 'last-event-id': eventId })).text()).not.toContain('of-anna');
    }
    // In a session of his own, the same request id is a call of his own.
    await his.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    await mallory.next(FrameType.cancel, other.id);
    expect((await mine).status).toBe(202);

    const first = await hers.list();
    const { nextCursor } = (JSON.parse(first.text) as { result: { nextCursor: string } }).result;
    expect((await hers.list({ cursor: nextCursor })).names).toContain('shell__b');
    expect((await his.list({ cursor: nextCursor })).text).toContain('"error"');
    expect((await his.list()).text).not.toContain('anna-only');

    anna.send(FrameType.result, call.id, '{"content":[{"type":"text","text":"still of-anna"}]}');
    while (!heard.includes('still of-anna')) heard += (await stream?.read())?.value ?? '';
    expect(heard).toContain('"id":1,"result":{"content"');
  });

  test('a token opens what it is for, in its own spelling, and nothing else', async () => {
    rig = await startRig();
    const tokens = {
      agent: await rig.token('anna'),
      narrow: await rig.token('anna', { scope: 'mcp', path: '/mcp/laptop' }),
      other: await rig.token('anna', { scope: 'mcp', path: '/mcp-other' }),
      origin: await rig.token('anna', { scope: 'mcp', path: '' }),
      slash: await rig.token('anna', { scope: 'mcp', path: '/mcp/' }),
      upper: await rig.token('anna', { scope: 'mcp', path: '/MCP' }),
      both: await rig.token('anna', { scope: 'mcp tunnel', path: '/ws' }),
    };
    for (const [name, token] of Object.entries(tokens)) {
      const response = await fetch(`${rig.origin}/mcp`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
      expect([name, response.status]).toEqual([name, 401]);
      expect(await response.text()).not.toContain(token);
    }
  });
});

describe('a hostile local server behind an agent', () => {
  test('cannot shadow, break or poison the list', async () => {
    rig = await startRig();
    const { agent } = await connect(rig, 'anna');
    const names = [
      ...['__proto__', 'constructor', 'status', 'restart', 'laptop__shell__run', '../../x', 'a\r\nb', '\u001b[2J'],
      ...['\u202ex', '<script>', '', 'x'.repeat(1000), 'run', 'RUN', 'run'],
    ];
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    const tools = [
      ...names.map((name) => JSON.stringify({ name, inputSchema: { type: 'object' } })),
      `{"name":"deep","inputSchema":${deep}}`,
      '{"name":"polluting","__proto__":{"polluted":1},"inputSchema":{"__proto__":{"polluted":1}}}',
    ];
    const offer = `{"protocolVersion":"2025-11-25","serverInfo":${deep},"capabilities":${deep},"tools":[${tools}]}`;
    const catalog = `{"seq":1,"server":"shell","status":"ready","offer":${offer}}`;
    agent.message(FrameType.catalog, 'a'.repeat(32), Buffer.from(catalog));
    await agent.settled();
    const client = await McpClient.of(rig, 'anna', 'client');
    const listed = await client.list();
    expect(listed.names.length).toBeGreaterThan(10);
    for (const name of listed.names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(new Set(listed.names.map((name) => name.toLowerCase())).size).toBe(listed.names.length);
    expect(listed.names.filter((name) => name === 'status' || name === 'restart')).toHaveLength(2);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    for (const name of ['__proto__', 'constructor', 'toString', 'shell____proto__x']) {
      expect(await (await client.call(1, name)).text()).toContain('Unknown tool');
    }
    const status = await (await client.call(2, 'status')).text();
    expect(status).toContain('shell');
  });

  test.each([
    ['an event', FrameType.event, '{"jsonrpc":"2.0"}\n\nid: x\ndata: {"forged":1}'],
    ['a result', FrameType.result, '{}\n\nevent: x\ndata: {"forged":1}'],
    ['a result with a carriage return', FrameType.result, '{}\r\rdata: {"forged":1}'],
    ['an error', FrameType.error, '{"code":1}\n\ndata: {"forged":1}'],
  ])('cannot add events of its own by %s', async (_what, type, bytes) => {
    rig = await startRig();
    const { agent } = await connect(rig, 'anna');
    agent.catalog('shell', ['run']);
    await agent.settled();
    const client = await McpClient.of(rig, 'anna', 'client');
    const answer = client.call(1, 'shell__run');
    const { id } = await agent.next(FrameType.call);
    agent.send(type, id, bytes);
    const body = await (await answer).text();
    expect(body).not.toContain('forged');
    expect(body).toContain('cannot use');
  });
});

test('no secret of a request is in the log, whatever happens to it', async () => {
  rig = await startRig();
  const { agent } = await connect(rig, 'anna');
  agent.catalog('shell', ['run']);
  await agent.settled();
  const client = await McpClient.of(rig, 'anna', 'client');
  const canary = 'canary-7f3a';
  const answer = client.call(1, 'shell__run', { password: canary });
  agent.send(
    FrameType.result,
    (await agent.next(FrameType.call)).id,
    `{"content":[{"type":"text","text":"${canary}"}]}`,
  );
  await (await answer).text();
  await client.call(2, `nothing-${canary}`);
  await client.post(`{"broken":"${canary}"`);
  for (const path of [
    '/mcp',
    '/ws',
    '/token',
    '/authorize',
    '/callback',
    '/device',
    '/device/auth',
    '/register',
    `/x/${canary}`,
  ]) {
    const address = `${rig.origin}${path}?access_token=${canary}&code=${canary}&client_id=${canary}&state=${canary}`;
    const authorization = `Bearer ${canary}`;
    await fetch(address, { headers: { authorization, cookie: `relay_session=${canary}` }, redirect: 'manual' });
    await fetch(address, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ code: canary, refresh_token: canary, password: canary }),
    });
  }
  expect(rig.log.join('\n')).not.toContain(canary);
});
