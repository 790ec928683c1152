import { type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Revocations } from '../../src/relay/auth/revocations.js';
import { type Rig, startRig } from '../tunnel/relay-rig.js';

/** A POST with a token that was seen before goes a shorter way (CallRoute): what is refused on the long one is refused there. */

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let rig: Rig;
let token: string;
beforeAll(async () => {
  rig = await startRig();
  token = await rig.token('user', { scope: 'mcp', path: '/mcp', grantId: 'first' });
});
afterAll(() => rig[Symbol.asyncDispose]());

function post(path: string, bearer: string, more: Record<string, string> = {}): Promise<Answer> {
  const headers = {
    Authorization: `Bearer ${bearer}`,
    'Content-Type': 'application/json',
    Accept: 'application/json',
    ...more,
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${rig.origin}${path}`, { method: 'POST', headers }, async (res) => {
      resolve({ status: res.statusCode, headers: res.headers, body: await text(res) });
    });
    sent.on('error', reject);
    sent.end('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}');
  });
}

/** The answer to a new token, then to the same one again. */
async function twice(path: string, bearer: string, more?: Record<string, string>): Promise<readonly [Answer, Answer]> {
  return [await post(path, bearer, more), await post(path, bearer, more)];
}

test('both answer alike, with all of the headers every answer has', async () => {
  const [first, second] = await twice('/mcp', token);
  expect(first.status).toBe(200);
  expect(first.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin' });
  expect(first.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  for (const { headers } of [first, second]) {
    expect(headers['mcp-session-id']).not.toBe('');
    for (const own of ['mcp-session-id', 'date']) delete headers[own];
  }
  expect(second).toEqual(first);
});

test('a page of the relay itself may read both', async () => {
  const origin = rig.relay.publicUrl;
  for (const { status, headers } of await twice('/mcp', token, { Origin: origin })) {
    expect([status, headers['access-control-allow-origin'], headers.vary]).toEqual([200, origin, 'Origin']);
  }
});

describe('a token that was good before is refused', () => {
  test.each([
    ['under a foreign host', '/mcp', { Host: 'evil.example' }, 421],
    ['for a page of another site', '/mcp', { Origin: 'https://evil.example' }, 403],
    ['at a path in other letters', '/MCP', {}, 404],
    ['in a path that no endpoint has', '/mcp/a/b/c', {}, 404],
    ['at a metadata path', '/mcp/.well-known/oauth-protected-resource', {}, 404],
    ['with a token in the query', '/mcp?access_token=x', {}, 400],
    ['as another scheme', '/mcp', { Authorization: 'Basic eA==' }, 401],
  ])('%s', async (_what, path, more, status) => {
    expect((await post('/mcp', token)).status).toBe(200);
    expect((await post(path, token, more)).status).toBe(status);
  });

  test('above the endpoint that it is for', async () => {
    const narrow = await rig.token('user', { scope: 'mcp', path: '/mcp/laptop' });
    const [below, again] = await twice('/mcp/laptop', narrow);
    expect([below.status, again.status]).toEqual([404, 404]);
    expect((await post('/mcp', narrow)).headers['www-authenticate']).toContain('error="invalid_token"');
  });

  test('without the scope', async () => {
    const agents = await rig.token('user', { scope: 'tunnel', path: '/mcp' });
    expect((await twice('/mcp', agents)).map(({ status }) => status)).toEqual([403, 403]);
  });

  test('once its grant is revoked', async () => {
    const short = await rig.token('user', { scope: 'mcp', path: '/mcp', grantId: 'second' });
    expect((await twice('/mcp', short)).map(({ status }) => status)).toEqual([200, 200]);
    await rig.relay.nest.get(Revocations, { strict: false }).revoke('second');
    const { status, headers } = await post('/mcp', short);
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('invalid_token')]);
  });
});
