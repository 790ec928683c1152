import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, getJson, login, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;
let client: string;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => {
  unhandled.push(reason);
};

beforeAll(async () => {
  process.on('unhandledRejection', note);
  relay = await startRelay();
  client = await registered(relay.url);
});
afterAll(async () => {
  process.off('unhandledRejection', note);
  await relay.stop();
});

/** Sends bytes as they are; a URL library would mend them. */
async function raw(request: string): Promise<string> {
  const socket = connect(Number(new URL(relay.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.end(request);
  return text(socket);
}

const form = 'Content-Type: application/x-www-form-urlencoded';
const head = (line: string, ...headers: string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;

test.each([
  ['a target of another host', head('GET http://evil.example/.well-known/oauth-authorization-server')],
  ['a target of another host at /authorize', head('GET http://evil.example/authorize?client_id=x')],
  ['two slashes', head('GET //evil.example/authorize')],
  ['bytes that are no UTF-8', head('GET /authorize?client_id=%ff%fe&scope=%00')],
  ['half an escape', head('GET /authorize?client_id=%&redirect_uri=%zz')],
  ['half an escape in a path', head('GET /authorize/%E0%A4%A')],
  ['half an escape in metadata', head('GET /.well-known/oauth-protected-resource/mcp/%E0%A4%A')],
  ['repeated parameters', head('GET /authorize?client_id=a&client_id=b&scope=c&scope=d&state=e&state=f')],
  ['parameters that are objects', head('GET /authorize?client_id[a]=b&resource[]=c&__proto__[x]=y')],
  ['ten thousand parameters', head(`GET /authorize?${'a=b&'.repeat(3000)}`)],
  ['a huge header', head('GET /mcp', `Authorization: Bearer ${'x'.repeat(20_000)}`)],
  ['two authorization headers', head('GET /mcp', 'Authorization: Bearer a', 'Authorization: Bearer b')],
  ['no content type', `${head('POST /token', 'Content-Length: 3')}a=b`],
  ['JSON at the token endpoint', `${head('POST /token', 'Content-Type: application/json', 'Content-Length: 2')}{}`],
  ['an unknown charset', `${head('POST /token', `${form}; charset=utf-99`, 'Content-Length: 3')}a=b`],
  ['a body that is too short', `${head('POST /token', form, 'Content-Length: 30')}a=b`],
  ['a body that is too long', head('POST /token', form, 'Content-Length: 70000') + 'a=b&'.repeat(17_500)],
  ['form fields as arrays', `${head('POST /token', form, 'Content-Length: 35')}grant_type=a&grant_type=b&code[]=c&x`],
  ['a form at registration', `${head('POST /register', form, 'Content-Length: 3')}a=b`],
  ['an empty registration', head('POST /register', 'Content-Length: 0')],
  ['a method nobody has', head('PROPFIND /token')],
  ['TRACE', head('TRACE /authorize')],
])('%s gets a 4xx, and the relay lives', async (_name, request) => {
  expect(await raw(request)).toMatch(/^HTTP\/1\.1 4\d\d |^$/);
  expect((await getJson(`${relay.url}/healthz`)).status).toBe(200);
  expect(unhandled).toEqual([]);
});

test('a cookie of garbage is no obstacle', async () => {
  for (const cookie of ['relay_session=%ff; relay_session.sig=%00', '=;;;=', `relay_session=${'x'.repeat(4000)}`]) {
    const query = new URLSearchParams({ client_id: client, redirect_uri: 'http://127.0.0.1:9999/cb' });
    for (const [name, value] of [
      ['response_type', 'code'],
      ['code_challenge', 'x'.repeat(43)],
      ['code_challenge_method', 'S256'],
    ] as const) {
      query.set(name, value);
    }
    const response = await fetch(`${relay.url}/authorize?${query}`, { headers: { cookie }, redirect: 'manual' });
    expect(response.status).toBe(303);
  }
});

test('a store that fails is a 500 at the client and a line in the log, and nothing is let in', async () => {
  const broken = await startRelay();
  const id = await registered(broken.url);
  const { access_token } = await login(broken.url, id);
  await broken.store.close();
  const { status, body } = await getJson(`${broken.url}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', client_id: id, refresh_token: 'x' }),
  });
  expect({ status, error: body.error }).toEqual({ status: 500, error: 'server_error' });
  expect(broken.log.some((line) => line.startsWith('authorization server failed'))).toBe(true);
  // Checked by signature and in memory, so calls go on.
  expect((await call(`${broken.url}/mcp`, access_token)).status).toBe(200);
  await broken.stop();
  expect(unhandled).toEqual([]);
});
