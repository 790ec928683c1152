import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { obtainTokens, type TestClient, textOf } from '../helpers/clients.js';
import type { Program } from '../helpers/program.js';
import { gated, type Machine, System } from '../helpers/system.js';
import { skewed } from './skewed.js';

const MiB = 1024 * 1024;

let system: System;
let machine: Machine;
let agent: Program;
let client: TestClient;

beforeAll(async () => {
  system = await System.start();
  const garbage = ['not json', '{"jsonrpc":', '[[]]', '{"jsonrpc":"2.0","id":77,"result":{}}'];
  machine = await system.machine({
    servers: { work: gated({ garbage }), silent: gated({ silent: true }), slow: gated({}, { timeout: 1 }) },
  });
  await machine.login();
  agent = machine.start();
  client = await system.client();
  await client.listed('work__whoami', 'slow__whoami');
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
});

// Whatever came, relay and agent go on, and speak of no fault of their own.
afterEach(async () => {
  expect(await client.text('work__whoami')).toContain('pid');
  for (const { output } of [system.relay, agent]) expect(output).not.toMatch(/^\S+Z error |unhandled|uncaught/im);
});

interface Sent {
  readonly token?: string;
  readonly body?: string;
  readonly query?: string;
}

async function post({ token = '', body, query = '' }: Sent): Promise<Response> {
  return fetch(`${system.endpoint}${query}`, {
    method: 'POST',
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: body ?? JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  });
}

/** What a WebSocket to /ws comes to: the refusal's status, or the close code after `sent`. */
async function link(token: string, sent: readonly (string | Buffer)[] = [], query = ''): Promise<number> {
  const socket = new WebSocket(`${system.url.replace('http', 'ws')}/ws${query}`, 'mcp-tunnel.1', {
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
  });
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('open', () => {
      for (const data of sent) socket.send(data);
    });
    socket.on('close', resolve);
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
  });
}

/** What a machine's login keeps. */
async function credentials({ home }: Machine): Promise<Record<string, string>> {
  const files = await readdir(home, { recursive: true });
  const file = files.find((name) => name.endsWith('credentials.json')) ?? '';
  return JSON.parse(await readFile(join(home, file), 'utf8'));
}

describe('requests', () => {
  test.each([
    ['broken JSON', '{"jsonrpc":', 400],
    ['no JSON-RPC', '{"hello":1}', 400],
    ['a deep tree', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
    ['nothing', ' ', 400],
    ['more than limits.requestBytes', `"${'x'.repeat(5 * MiB)}"`, 413],
  ])('of %s', async (_what, body, status) => {
    expect((await post({ token: await system.token(), body })).status).toBe(status);
  });

  test('for a tool that is not there', async () => {
    await expect(client.call('work__nothing')).rejects.toMatchObject({ code: -32602 });
    await expect(client.call('')).rejects.toMatchObject({ code: -32602 });
    await expect(client.call('x'.repeat(100_000))).rejects.toMatchObject({ code: -32602 });
  });

  test('that are no HTTP, and no more than a beginning', async () => {
    for (const bytes of [
      '\u0000\u0001\u0002\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\n',
    ]) {
      const socket = connect(system.port, '127.0.0.1').setEncoding('latin1');
      let answer = '';
      socket.on('data', (chunk: string) => {
        answer += chunk;
      });
      // A reset after the answer is fine.
      socket.on('error', () => undefined);
      socket.end(bytes, 'latin1');
      await new Promise((resolve) => socket.once('close', resolve));
      expect(answer).toMatch(/^(HTTP\/1\.1 4|$)/);
    }
    const socket = connect(system.port, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: ${new URL(system.url).host}\r\nX-Long: ${'x'.repeat(100_000)}`);
    socket.on('error', () => undefined);
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
  });
});

describe('tokens', () => {
  test('that are none, spoiled, or in the query', async () => {
    const good = await system.token();
    expect((await post({ token: good })).status).not.toBe(401);
    const none = await post({});
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toContain('resource_metadata="');
    const spoiled = `${good.slice(0, -4)}AAAA`;
    expect((await post({ token: spoiled })).status).toBe(401);
    expect((await post({ token: 'x' })).status).toBe(401);
    expect((await post({ query: `?access_token=${good}` })).status).toBe(400);
    expect(await link('')).toBe(401);
    expect(await link('x')).toBe(401);
    const { accessToken = '' } = await credentials(machine);
    expect(await link('', [], `?access_token=${accessToken}`)).toBe(400);
    expect(`${system.relay.output}${agent.output}`).not.toContain(good);
  });

  test('of the other kind', async () => {
    const { accessToken = '' } = await credentials(machine);
    expect((await post({ token: accessToken })).status).toBe(401);
    expect(await link(await system.token())).toBe(401);
  });

  test('of another relay, and expired ones', async () => {
    // This one's clock is ten minutes slow, so that what it gives out expired nine minutes ago.
    await using other = await System.start({
      builtIn: true,
      limits: { accessTokenSeconds: 60 },
      program: skewed(-600),
    });
    const foreign = await other.token();
    expect((await post({ token: foreign })).status).toBe(401);
    const theirs = () => fetch(other.endpoint, { headers: { authorization: `Bearer ${foreign}` } });
    expect((await theirs()).status).not.toBe(401);
    await other.relay.stop();
    await other.startRelay({});
    expect((await theirs()).status).toBe(401);
  });

  test('revoked: refused from then on', async () => {
    const tokens = await obtainTokens(system.endpoint, (url) => system.signIn(url));
    expect((await post({ token: tokens.access_token })).status).not.toBe(401);
    const [, payload = ''] = tokens.access_token.split('.');
    const { client_id } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const revoked = await fetch(`${system.url}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: tokens.refresh_token, client_id }),
    });
    expect(revoked.status).toBe(200);
    expect((await post({ token: tokens.access_token })).status).toBe(401);
  });

  test('of an agent that logs out: its link ends, and it says what to do', async () => {
    const { machine: leaving, agent: left } = await system.agent({ name: 'leaving', servers: {} });
    expect((await leaving.run('logout')).code).toBe(0);
    expect(await left.ended).toMatchObject({ code: 3 });
    expect(left.output).toContain('mcp-local-tunnel login');
  });
});

test('frames that are none', async () => {
  const { accessToken = '' } = await credentials(machine);
  const NONSENSE = 4400;
  const TOO_LARGE = 1009;
  expect(await link(accessToken, ['text'])).toBe(NONSENSE);
  expect(await link(accessToken, [Buffer.alloc(0)])).toBe(NONSENSE);
  expect(await link(accessToken, [Buffer.alloc(17, 1)])).toBe(NONSENSE);
  expect(await link(accessToken, [Buffer.concat([Buffer.from([1, 0]), Buffer.alloc(16), Buffer.from('{')])])).toBe(
    NONSENSE,
  );
  expect(await link(accessToken, [Buffer.alloc(64 * MiB)])).toBe(TOO_LARGE);
});

describe('local servers', () => {
  test('that print garbage, at their start and in a call', async () => {
    expect(await client.text('work__garbage')).toBe('after garbage');
  });

  test('that die in a call', async () => {
    const died = await client.call('work__die');
    expect(died.isError).toBe(true);
    expect(textOf(died)).toContain('outcome unknown');
    await client.listed('work__whoami');
    await expect.poll(() => client.text('work__whoami'), { timeout: 20_000 }).toContain('pid');
  });

  test('that never answer: a call has its time, a start holds up nobody', async () => {
    const hung = await client.call('slow__hang');
    expect(hung.isError).toBe(true);
    expect(textOf(hung)).toMatch(/1 s.*outcome unknown/);
    const { structuredContent } = await client.call('status');
    expect(structuredContent).toMatchObject({
      devices: [{ servers: expect.arrayContaining([expect.objectContaining({ name: 'silent', tools: 0 })]) }],
    });
  });

  test('with 2,000 tools: listed page by page, the first and the last called', async () => {
    await system.agent({ name: 'many', person: 'bob', servers: { many: gated({ extra: 2000 - 9 }) } });
    await using bob = await system.client('bob');
    await bob.listed('many__tool_0');
    const names = new Set<string>();
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await bob.sdk.listTools(cursor === undefined ? {} : { cursor });
      for (const { name } of page.tools) names.add(name);
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(pages).toBeGreaterThan(1);
    expect(names.size).toBe(2002);
    expect(await bob.text('many__tool_0')).toBe('tool_0');
    expect(await bob.text('many__tool_1990')).toBe('tool_1990');
  });

  test('with a result of 60 MiB, byte for byte', async () => {
    const { content } = await client.call('work__big', { bytes: 60 * MiB, seed: 'plum' });
    const [hash, big] = content.map((block) => (block.type === 'text' ? block.text : ''));
    expect(Buffer.byteLength(JSON.stringify(big))).toBeGreaterThan(60 * MiB - 100);
    expect(
      createHash('sha256')
        .update(big ?? '')
        .digest('hex'),
    ).toBe(hash);
  });

  test('with a result larger than limits.resultBytes', async () => {
    const result = await client.call('work__big', { bytes: 65 * MiB, seed: 'plum' });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/bytes; the limit is 67108864/);
  });
});
