import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from './browser.js';
import { authorize, begin, login, redeem, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;
let client: string;

beforeAll(async () => {
  relay = await startRelay();
  client = await registered(relay.url);
});
afterAll(() => relay.stop());

const submit = { method: 'POST' };

test('nothing is granted without approval', async () => {
  const { page, browser } = await begin(relay.url, client);
  const { uid } = JSON.parse(page.body);
  const landing = await browser.open(`/interaction/${uid}/finish`, submit);
  expect(landing.status).toBe(400);
  expect(JSON.parse(landing.body)).toEqual({ interaction: 'not_approved' });
  const resumed = await browser.open(`/authorize/${uid}`);
  expect(resumed.url.pathname).toMatch(/^\/interaction\//);
});

test('approval is asked for again every time, and remembers who is signed in', async () => {
  const first = await authorize(relay.url, client);
  const again = await begin(relay.url, client, {}, first.browser);
  expect(JSON.parse(again.page.body)).toMatchObject({
    consented: false,
    account: { userId: 'https://idp.example|alice', displayName: 'Name of https://idp.example|alice' },
  });
});

test('denial goes back to the client with iss', async () => {
  const { page, browser } = await begin(relay.url, client);
  const { uid } = JSON.parse(page.body);
  const landing = await browser.open(`/interaction/${uid}/deny`, submit);
  expect(Object.fromEntries(landing.url.searchParams)).toMatchObject({
    error: 'access_denied',
    iss: relay.url,
    state: 'the state',
  });
});

test('another browser cannot act on the authorization', async () => {
  const { page } = await begin(relay.url, client);
  const { uid } = JSON.parse(page.body);
  const stranger = await new Browser(relay.url).open(`/interaction/${uid}/approve`, submit);
  expect(JSON.parse(stranger.body)).toEqual({ interaction: 'missing' });
  const other = await begin(relay.url, client);
  const crossed = await other.browser.open(`/interaction/${uid}/approve`, submit);
  expect(JSON.parse(crossed.body)).toEqual({ interaction: 'missing' });
});

test('an approval given in one browser is none in another that was handed its cookie', async () => {
  const { page, browser } = await begin(relay.url, client);
  const { uid } = JSON.parse(page.body);
  const planted = browser.cookies.join('; ');
  const victim = { headers: { cookie: planted } };
  const submitted = { ...victim, method: 'POST', redirect: 'manual' } as const;
  const approved = await browser.open(`/interaction/${uid}/consent`, submit);
  expect(JSON.parse(approved.body)).toMatchObject({ consented: true });
  const shown = await fetch(`${relay.url}/interaction/${uid}`, victim);
  expect(await shown.json()).toMatchObject({ uid, consented: false });
  const finished = await fetch(`${relay.url}/interaction/${uid}/finish`, submitted);
  expect(await finished.json()).toEqual({ interaction: 'not_approved' });
  const own = await browser.open(`/interaction/${uid}/finish`, submit);
  expect(own.url.searchParams.has('code')).toBe(true);
  expect(browser.cookies.filter((cookie) => cookie.includes('approved'))).toEqual([]);
});

test("another authorization's cookie does not fit", async () => {
  const { page, browser } = await begin(relay.url, client);
  const { uid } = JSON.parse(page.body);
  const headers = { cookie: browser.cookies.join('; ') };
  expect((await fetch(`${relay.url}/interaction/${uid}`, { headers })).status).toBe(200);
  const crossed = await fetch(`${relay.url}/interaction/${uid}x`, { headers });
  expect(await crossed.json()).toEqual({ interaction: 'expired' });
});

test('two tabs go on side by side, also for two people', async () => {
  const one = await begin(relay.url, client);
  const two = await begin(relay.url, client, {}, one.browser);
  const subjects = [];
  for (const [tab, user] of [
    [two, 'idp|bob'],
    [one, 'idp|alice'],
  ] as const) {
    const { uid } = JSON.parse(tab.page.body);
    const landing = await tab.browser.open(`/interaction/${uid}/approve`, { ...submit, headers: { 'x-user': user } });
    const { body } = await redeem(relay.url, client, { ...tab, answer: landing.url.searchParams });
    const want = { scope: 'mcp', resource: `${relay.url}/mcp` } as const;
    subjects.push((await relay.verifier.verify(body.access_token, want)).userId);
  }
  expect(subjects).toEqual(['idp|bob', 'idp|alice']);
});

test('a changed cookie counts for nothing', async () => {
  const { page } = await begin(relay.url, client);
  const { uid } = JSON.parse(page.body);
  const cookie = `relay_interaction=${uid}; relay_interaction.sig=AAAA`;
  const response = await fetch(`${relay.url}/interaction/${uid}`, { headers: { cookie } });
  expect(response.status).toBe(400);
});

test('someone else may sign in at the same browser', async () => {
  const alice = await authorize(relay.url, client, {}, undefined, 'idp|alice');
  const bob = await authorize(relay.url, client, {}, alice.browser, 'idp|bob');
  const subjects = [];
  for (const done of [alice, bob]) {
    const { body } = await redeem(relay.url, client, done);
    const want = { scope: 'mcp', resource: `${relay.url}/mcp` } as const;
    subjects.push((await relay.verifier.verify(body.access_token, want)).userId);
  }
  expect(subjects).toEqual(['idp|alice', 'idp|bob']);
  const next = await begin(relay.url, client, {}, alice.browser);
  expect(JSON.parse(next.page.body).account.userId).toBe('idp|bob');
});

test('an answer is given once', async () => {
  const { page, browser } = await begin(relay.url, client);
  const { uid } = JSON.parse(page.body);
  await browser.open(`/interaction/${uid}/approve`, submit);
  const again = await browser.open(`/interaction/${uid}/approve`, submit);
  expect(JSON.parse(again.body)).toEqual({ interaction: 'expired' });
  expect((await browser.open(`/authorize/${uid}`)).status).toBe(400);
});

test('cookies are for https alone where the issuer is https', async () => {
  await using behindProxy = await startRelay({ issuerUrl: 'https://relay.example' });
  const id = await registered(behindProxy.url);
  const query = new URLSearchParams({ client_id: id, redirect_uri: 'http://127.0.0.1:9999/cb', response_type: 'code' });
  query.set('code_challenge', 'x'.repeat(43));
  query.set('code_challenge_method', 'S256');
  const response = await fetch(`${behindProxy.url}/authorize?${query}`, { redirect: 'manual' });
  expect(response.status).toBe(303);
  const cookies = response.headers.getSetCookie().filter((line) => !line.includes('.sig='));
  expect(cookies.map((line) => line.split('=')[0]).sort()).toEqual(['__Secure-interaction', '__Secure-resume']);
  for (const line of cookies) expect(line).toMatch(/httponly/i);
  for (const line of response.headers.getSetCookie()) {
    expect(line).toMatch(/; secure/i);
    expect(line).toMatch(/; samesite=lax/i);
    expect(line).not.toMatch(/domain=/i);
  }
});

test('two users of one client have two grants', async () => {
  const want = { scope: 'mcp', resource: `${relay.url}/mcp` } as const;
  const grants = new Set<string>();
  for (const user of ['a|1', 'b|1', 'a|1']) {
    const { access_token } = await login(relay.url, client, {}, user);
    grants.add((await relay.verifier.verify(access_token, want)).grantId);
  }
  expect(grants.size).toBe(3);
});
