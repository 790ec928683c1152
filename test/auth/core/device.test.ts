import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Browser } from './browser.js';
import { CALLBACK, getJson, login, post, refresh, registered } from './client.js';
import { answerCode, askCode, enterCode, hidden, poll } from './device.js';
import { startRelay, type TestRelay } from './relay.js';

const AGENT = 'mcp-local-tunnel-agent';
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
let relay: TestRelay;

beforeAll(async () => {
  relay = await startRelay({ limits: { signInsPerMinute: 5000 } });
});
afterAll(() => relay.stop());
afterEach(() => {
  vi.useRealTimers();
});

/** Only the clock: sockets and the store's own timers go on. */
function later(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

test('§7.39 a device code is long, its user code readable, and both end within a quarter of an hour', async () => {
  const { status, body, headers } = await askCode(relay.url);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body.device_code).toMatch(/^[\w-]{43,}$/);
  expect(body.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  expect(body).toMatchObject({
    verification_uri: `${relay.url}/device`,
    verification_uri_complete: `${relay.url}/device?user_code=${body.user_code}`,
    interval: 2,
    expires_in: 600,
  });
});

test('§7.39 pending until a person approves, then tokens of the agent’s own scope and place, once', async () => {
  const { body: code } = await askCode(relay.url);
  expect(await poll(relay.url, code.device_code)).toMatchObject({
    status: 400,
    body: { error: 'authorization_pending' },
  });
  const end = await answerCode(relay.url, code.user_code, 'approve');
  expect(end.status).toBe(200);
  expect(end.body).toContain('The machine is connected');
  const { status, body } = await poll(relay.url, code.device_code);
  expect(status).toBe(200);
  expect(body).toMatchObject({ scope: 'tunnel', account: 'Name of https://idp.example|alice' });
  const at = { resource: `${relay.url}/ws`, scope: 'tunnel' } as const;
  const principal = await relay.verifier.verify(body.access_token, at);
  expect(principal).toMatchObject({ clientId: AGENT, userId: 'https://idp.example|alice' });
  await expect(
    relay.verifier.verify(body.access_token, { resource: `${relay.url}/mcp`, scope: 'mcp' }),
  ).rejects.toThrow();
  const renewed = await refresh(relay.url, AGENT, body.refresh_token);
  expect(renewed.status).toBe(200);

  // RFC 6749 §4.1.2 by analogy: whoever uses a code twice has stolen it, or it was stolen from them.
  expect(await poll(relay.url, code.device_code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  await expect(relay.verifier.verify(renewed.body.access_token, at)).rejects.toThrow();
});

test('§7.39 one device code polled by many at once gives one set of tokens', async () => {
  const { body: code } = await askCode(relay.url);
  await answerCode(relay.url, code.user_code, 'approve');
  const answers = await Promise.all(Array.from({ length: 20 }, () => poll(relay.url, code.device_code)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

test('§7.39 slow_down for whoever polls faster than it was told, and longer each time', async () => {
  const { body: code } = await askCode(relay.url);
  const answer = async () => (await poll(relay.url, code.device_code)).body.error;
  expect(await answer()).toBe('authorization_pending');
  expect(await answer()).toBe('slow_down');
  later(3);
  expect(await answer()).toBe('slow_down');
  later(15);
  expect(await answer()).toBe('authorization_pending');
  later(3);
  expect(await answer()).toBe('slow_down');
  // Who has waited too little still gets the tokens once there are any.
  await answerCode(relay.url, code.user_code, 'approve');
  expect((await poll(relay.url, code.device_code)).status).toBe(200);
});

test('§7.39 expired_token, and no use of an expired code on the page', async () => {
  const { body: code } = await askCode(relay.url);
  later(601);
  expect(await poll(relay.url, code.device_code)).toMatchObject({ status: 400, body: { error: 'expired_token' } });
  const page = await enterCode(relay.url, code.user_code);
  expect(page.status).toBe(400);
  expect(page.body).toContain('has expired');
});

test('§7.39 an approval that comes after the end gives nothing', async () => {
  const { body: code } = await askCode(relay.url);
  const browser = new Browser(relay.url);
  const { url } = await enterCode(relay.url, code.user_code, browser);
  later(601);
  const end = await browser.open(`${url.pathname}/approve`, { method: 'POST' });
  expect(end.body).not.toContain('The machine is connected');
  expect((await poll(relay.url, code.device_code)).body.error).toBe('expired_token');
});

test('§7.39 access_denied when the person says no, and the code is spent', async () => {
  const { body: code } = await askCode(relay.url);
  const end = await answerCode(relay.url, code.user_code, 'deny');
  expect(end.body).toContain('Nothing was connected');
  expect(await poll(relay.url, code.device_code)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
  expect((await enterCode(relay.url, code.user_code)).body).toContain('used already');
  expect((await poll(relay.url, code.device_code)).status).toBe(400);
});

test('§7.39 a code works for the first browser that enters it, in any case and spelling, and no other', async () => {
  const { body: code } = await askCode(relay.url);
  const spelled = ` ${code.user_code.toLowerCase().replace('-', ' ')} `;
  const first = await enterCode(relay.url, spelled);
  expect(first.url.pathname).toMatch(/^\/interaction\//);
  expect(JSON.parse(first.body)).toMatchObject({
    consented: false,
    client: { id: AGENT, kind: 'agent', loopback: false },
    device: { userCode: code.user_code, name: 'laptop', address: '127.0.0.1' },
    scopes: ['tunnel'],
    resource: `${relay.url}/ws`,
  });
  const second = await enterCode(relay.url, code.user_code);
  expect(second.status).toBe(400);
  expect(second.body).toContain('used already');
  for (const wrong of ['BBBB-BBBB', 'x', code.device_code, '\'"><script>alert(1)</script>']) {
    const page = await enterCode(relay.url, wrong);
    expect(page.status).toBe(400);
    expect(page.body).toContain('No login waits for this code');
    expect(page.body).not.toContain('<script>');
  }
  expect((await enterCode(relay.url, '')).body).toContain('Type the code');
});

test('§7.39 a link with the code in it only fills the field in', async () => {
  const { body: code } = await askCode(relay.url);
  const browser = new Browser(relay.url);
  const page = await browser.open(code.verification_uri_complete);
  expect(page.status).toBe(200);
  expect(page.body).toContain(`value="${code.user_code}"`);
  expect(page.body).not.toMatch(/<script|http-equiv="refresh"/);
  expect((await poll(relay.url, code.device_code)).body.error).toBe('authorization_pending');
  expect((await browser.open(`${relay.url}/device?user_code=%22%3E%3Cscript%3E`)).body).not.toContain('"><script>');
});

test('§7.39 a form that is not from the page of this browser opens nothing', async () => {
  const { body: code } = await askCode(relay.url);
  const mine = new Browser(relay.url);
  const other = await new Browser(relay.url).open('/device');
  const form = { user_code: code.user_code, confirm: 'yes' };
  for (const [browser, fields] of [
    [mine, form],
    [mine, { ...form, xsrf: 'x' }],
    [mine, { ...form, ...hidden(other.body) }],
    [new Browser(relay.url), { ...form, ...hidden((await mine.open('/device')).body) }],
  ] as const) {
    const page = await browser.open('/device', { method: 'POST', body: new URLSearchParams(fields) });
    expect(page.url.pathname).toBe('/device');
    expect(page.status).toBe(400);
  }
  expect((await enterCode(relay.url, code.user_code, mine)).url.pathname).toMatch(/^\/interaction\//);
});

test('§7.39 nothing is approved by entering the code, nor without approval', async () => {
  const { body: code } = await askCode(relay.url);
  const browser = new Browser(relay.url);
  const { url } = await enterCode(relay.url, code.user_code, browser);
  const finished = await browser.open(`${url.pathname}/finish`, { method: 'POST' });
  expect(JSON.parse(finished.body)).toEqual({ interaction: 'not_approved' });
  await browser.open(url.pathname.replace('/interaction/', '/device/'));
  expect((await poll(relay.url, code.device_code)).status).toBe(400);
});

test('§7.39 no other client may use the grant: registered, known by document, or none', async () => {
  const grants = [GRANT, 'authorization_code', 'refresh_token'];
  const client = await registered(relay.url, { grant_types: grants });
  const { body: code } = await askCode(relay.url);
  for (const client_id of [client, 'https://app.example/client.json', 'nobody', '']) {
    const asked = await askCode(relay.url, { client_id, scope: 'mcp', resource: `${relay.url}/mcp` });
    expect(asked.status).toBeGreaterThanOrEqual(400);
    expect(asked.body).not.toHaveProperty('device_code');
    const polled = await poll(relay.url, code.device_code, client_id);
    expect(polled.status).toBeGreaterThanOrEqual(400);
    expect(polled.body).not.toHaveProperty('access_token');
  }
  // The code is bound to the agent, and none of that has spent it.
  await answerCode(relay.url, code.user_code, 'approve');
  const foreign = await poll(relay.url, code.device_code, client);
  expect(foreign.body.error).toMatch(/^(unauthorized_client|invalid_request)$/);
  expect((await poll(relay.url, code.device_code)).status).toBe(200);
  // A code of another grant is none of this one.
  const { refresh_token } = await login(relay.url, client);
  expect((await poll(relay.url, refresh_token)).body.error).toBe('invalid_grant');
});

test('§7.39 a document cannot claim the grant either', async () => {
  const id = 'https://app.example/client.json';
  const document = { client_id: id, client_name: 'App', redirect_uris: [CALLBACK], grant_types: [GRANT] };
  await using own = await startRelay({ fetch: async () => Response.json(document) });
  const asked = await askCode(own.url, { client_id: id });
  expect(asked.status).toBe(400);
  expect(asked.body.error_description).toContain('not allowed for this client');
});

test.each([
  ['invalid_target', { resource: 'RELAY/mcp' }],
  ['invalid_target', { resource: 'https://elsewhere.example/ws' }],
  ['invalid_scope', { scope: 'mcp' }],
  ['invalid_scope', { scope: 'tunnel mcp' }],
])('§7.39 %s: a device may only ask for its link', async (error, form) => {
  const filled = Object.entries(form).map(([name, value]) => [name, value.replace('RELAY', relay.url)]);
  const { status, body } = await askCode(relay.url, Object.fromEntries(filled));
  expect(status).toBe(400);
  expect(body.error).toBe(error);
});

test('§7.39 codes cannot be tried out: an address types few a minute, and is given few', async () => {
  await using own = await startRelay({ limits: { signInsPerMinute: 3 } });
  const { body: code } = await askCode(own.url);
  const browser = new Browser(own.url);
  for (let n = 0; n < 3; n += 1) expect((await enterCode(own.url, 'BBBB-BBBB', browser)).status).toBe(400);
  const page = await enterCode(own.url, code.user_code, browser);
  expect(page.status).toBe(429);
  expect(Number(page.response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await poll(own.url, code.device_code)).body.error).toBe('authorization_pending');
  expect([(await askCode(own.url)).status, (await askCode(own.url)).status]).toEqual([200, 200]);
  expect((await askCode(own.url)).status).toBe(429);
});

test('§7.39 the cookie of the page for codes can be set by the relay alone', async () => {
  await using own = await startRelay({ issuerUrl: 'https://relay.example' });
  const page = await getJson(`${own.url}/device`);
  const cookies = page.headers.getSetCookie();
  expect(cookies.length).toBeGreaterThan(0);
  for (const cookie of cookies) {
    expect(cookie).toMatch(/^__Host-session(\.sig)?=/);
    expect(cookie.toLowerCase()).toMatch(/; path=\/;.*samesite=lax.*secure.*httponly/);
  }
});

test('§7.39 a copy of the store holds neither code', async () => {
  const { body: code } = await askCode(relay.url);
  let all = '';
  for await (const entry of relay.store.list('')) all += JSON.stringify(entry);
  expect(all).toContain('oidc:DeviceCode:');
  expect(all).not.toContain(code.device_code);
  expect(all).not.toContain(code.user_code.replace('-', ''));
  expect(relay.log.join('\n')).not.toContain(code.device_code);
});

test('§7.39 other methods and paths are answered plainly', async () => {
  expect((await getJson(`${relay.url}/device/auth`)).status).toBe(405);
  expect((await getJson(`${relay.url}/device`, { method: 'PUT' })).headers.get('allow')).toBe('GET, POST');
  expect((await getJson(`${relay.url}/device/a/b`)).status).toBe(404);
  expect((await post(`${relay.url}/device/auth`, {})).status).toBe(400);
});
