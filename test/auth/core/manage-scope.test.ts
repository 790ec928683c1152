import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AGENT_CLIENT_ID } from '../../../src/relay/auth/server/agent-client.js';
import { begin, getJson, login, redeem, refresh, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

const BOTH = 'mcp mcp:manage';

let relay: TestRelay;
let client: string;
beforeAll(async () => {
  relay = await startRelay();
  client = await registered(relay.url);
});
afterAll(() => relay.stop());

/** A login whose person ticks the box, or does not, whatever was asked for. */
async function loginWith(scope: string | undefined, ticked: boolean, extra: Record<string, string> = {}) {
  const id = extra.client_id ?? client;
  const begun = await begin(relay.url, id, { scope, ...extra });
  const pending = JSON.parse(begun.page.body);
  const { url } = await begun.browser.open(`/interaction/${pending.uid}/approve`, {
    method: 'POST',
    headers: ticked ? { 'x-manage': 'yes' } : {},
  });
  const form: Record<string, string> = extra.redirect_uri === undefined ? {} : { redirect_uri: extra.redirect_uri };
  const { status, body } = await redeem(relay.url, id, { ...begun, answer: url.searchParams }, form);
  expect(status).toBe(200);
  return { pending, body };
}

describe('§7.37 the scope mcp:manage', () => {
  test.each([
    ['asked for and given', BOTH, true, 'asked', BOTH],
    ['asked for and kept back', BOTH, false, 'asked', 'mcp'],
    ['asked for alone', 'mcp:manage', true, 'asked', BOTH],
    ['given beyond what was asked for', 'mcp', true, 'offered', BOTH],
    ['given to a client that names no scope', undefined, true, 'offered', BOTH],
    ['neither', 'mcp', false, 'offered', 'mcp'],
  ])('%s: %s, ticked %s', async (_name, scope, ticked, manage, granted) => {
    const { pending, body } = await loginWith(scope, ticked);
    expect(pending).toMatchObject({ scopes: ['mcp'], manage });
    // Where it is not what was asked for, the client is told (RFC 6749 §3.3).
    expect(body.scope).toBe(granted);
    expect(decodeJwt(body.access_token).scope).toBe(granted);
    const again = await refresh(relay.url, client, body.refresh_token);
    expect(again.body.scope).toBe(granted);
    expect(decodeJwt(again.body.access_token).scope).toBe(granted);
    const third = await refresh(relay.url, client, again.body.refresh_token);
    expect(third.body.scope).toBe(granted);
  });

  test('beside OpenID scopes', async () => {
    const { body } = await loginWith('openid mcp', true);
    expect(body.scope.split(' ').sort()).toEqual(['mcp', 'mcp:manage']);
    expect(decodeJwt(body.id_token).sub).toBe('https://idp.example|alice');
  });

  test('a refresh cannot add it, and can leave it out for one token', async () => {
    const plain = await loginWith('mcp', false);
    const more = await refresh(relay.url, client, plain.body.refresh_token, { scope: BOTH });
    expect(more).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    const full = await loginWith(BOTH, true);
    const less = await refresh(relay.url, client, full.body.refresh_token, { scope: 'mcp' });
    expect(less.body.scope).toBe('mcp');
    expect((await refresh(relay.url, client, less.body.refresh_token)).body.scope).toBe(BOTH);
  });

  test('a later login does not inherit it', async () => {
    await loginWith(BOTH, true);
    expect((await login(relay.url, client)).scope).toBe('mcp');
  });

  test('is for a device, too', async () => {
    const { pending, body } = await loginWith(BOTH, true, { resource: `${relay.url}/mcp/laptop` });
    expect(pending.manage).toBe('asked');
    expect(body.scope).toBe(BOTH);
  });

  test('is not for a server’s own endpoint, which has no restart', async () => {
    const { pending, body } = await loginWith(BOTH, true, { resource: `${relay.url}/mcp/laptop/shell` });
    expect(pending.manage).toBe('none');
    expect(body.scope).toBe('mcp');
  });

  test('is not for agents', async () => {
    const extra = { client_id: AGENT_CLIENT_ID, redirect_uri: 'http://127.0.0.1:1/callback' };
    const { pending, body } = await loginWith('tunnel mcp:manage', true, extra);
    expect(pending).toMatchObject({ scopes: ['tunnel'], manage: 'none' });
    expect(body.scope).toBe('tunnel');
  });

  test('is in the server’s metadata, and in no endpoint’s: it is asked for when it is needed', async () => {
    const of = (document: string) => getJson(`${relay.url}/.well-known/${document}`);
    expect((await of('oauth-authorization-server')).body.scopes_supported).toEqual(
      expect.arrayContaining(['mcp', 'mcp:manage']),
    );
    expect((await of('oauth-protected-resource/mcp')).body.scopes_supported).toEqual(['mcp']);
    expect((await of('oauth-protected-resource/mcp/laptop')).body.scopes_supported).toEqual(['mcp']);
  });
});
