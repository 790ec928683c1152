import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryOAuth } from '../../helpers/clients.js';
import { startOidcProvider, type TestOidcProvider } from '../../helpers/oidc-provider.js';
import { type AuthRelay, startAuthRelay } from './auth-relay.js';
import { PlainBrowser } from './plain-browser.js';

let provider: TestOidcProvider;
let relay: AuthRelay;
beforeAll(async () => {
  provider = await startOidcProvider({ accounts: { alice: { password: 'correct horse', claims: {} } } });
  relay = await startAuthRelay(provider);
});
afterAll(async () => {
  await relay?.[Symbol.asyncDispose]();
  await provider?.close();
});

/** An OAuth client, the person who signs it in, and the scopes it asked for, in order. */
async function login(allow: Readonly<Record<string, string>> = {}) {
  const browser = new PlainBrowser();
  const asked: (string | null)[] = [];
  const oauth = await MemoryOAuth.start(async (address) => {
    asked.push(new URL(address).searchParams.get('scope'));
    const answered = await (await browser.visit(address)).submit({ decision: 'allow', ...allow });
    if (!answered.html.includes('type="password"')) return;
    await answered.submit({ name: 'alice', password: 'correct horse' });
  });
  return { oauth, asked, [Symbol.asyncDispose]: () => oauth[Symbol.asyncDispose]() };
}

const restart = { name: 'restart', arguments: {} };
/** It was allowed, and there is no device. */
const allowed = { isError: true, content: [{ text: expect.stringContaining('No device is connected') }] };

describe('§7.37 the client of SDK v1', () => {
  async function connected(oauth: MemoryOAuth) {
    const endpoint = new URL(`${relay.url}/mcp`);
    const first = new StreamableHTTPClientTransport(endpoint, { authProvider: oauth });
    await expect(new Client({ name: 'v1', version: '1' }).connect(first)).rejects.toBeInstanceOf(UnauthorizedError);
    await first.finishAuth(oauth.code);
    const transport = new StreamableHTTPClientTransport(endpoint, { authProvider: oauth });
    const client = new Client({ name: 'v1', version: '1' });
    await client.connect(transport);
    return { client, transport };
  }

  test('asks for mcp:manage by itself when restart needs it, and goes on in its session', async () => {
    await using person = await login();
    const { oauth, asked } = person;
    // With a refresh token this SDK refreshes where it should ask, and gives up at the second 403.
    oauth.clientMetadata.grant_types = ['authorization_code'];
    const { client, transport } = await connected(oauth);
    expect(asked).toEqual(['mcp']);
    expect((await client.callTool({ name: 'status' })).isError).toBeUndefined();
    await expect(client.callTool(restart)).rejects.toBeInstanceOf(UnauthorizedError);
    expect(asked).toEqual(['mcp', 'mcp mcp:manage']);
    const session = transport.sessionId;
    await transport.finishAuth(oauth.code);
    expect(await client.callTool(restart)).toMatchObject(allowed);
    expect(transport.sessionId).toBe(session);
    await client.close();
  });

  test('needs no step-up where the person ticked the box at first, after a refresh neither', async () => {
    await using person = await login({ manage: 'yes' });
    const { oauth, asked } = person;
    const { client } = await connected(oauth);
    expect(oauth.tokens()).toMatchObject({ scope: 'mcp mcp:manage' });
    expect(await client.callTool(restart)).toMatchObject(allowed);
    oauth.saveTokens({ ...oauth.tokens(), access_token: 'spoiled', token_type: 'Bearer' });
    expect(await client.callTool(restart)).toMatchObject(allowed);
    expect(oauth.tokens()?.access_token).not.toBe('spoiled');
    expect(asked).toEqual(['mcp']);
    await client.close();
  });

  test('hears 403 again where the person clears the box', async () => {
    await using person = await login({ manage: '' });
    const { oauth } = person;
    oauth.clientMetadata.grant_types = ['authorization_code'];
    const { client, transport } = await connected(oauth);
    await expect(client.callTool(restart)).rejects.toBeInstanceOf(UnauthorizedError);
    await transport.finishAuth(oauth.code);
    await expect(client.callTool(restart)).rejects.toMatchObject({ code: 403 });
    expect((await client.callTool({ name: 'status' })).isError).toBeUndefined();
    await client.close();
  });
});

describe('§7.37 the client of SDK v2', () => {
  test.each([
    ['of a legacy session', {}],
    ['of the stateless revision', { versionNegotiation: { mode: { pin: '2026-07-28' } } }],
  ] as const)('%s asks for mcp:manage by itself, with a refresh token too', async (_name, options) => {
    await using person = await login();
    const { oauth, asked } = person;
    const endpoint = new URL(`${relay.url}/mcp`);
    const first = new TransportV2(endpoint, { authProvider: oauth });
    const unauthorized = new ClientV2({ name: 'v2', version: '1' }, options).connect(first);
    await expect(unauthorized).rejects.toBeInstanceOf(UnauthorizedV2);
    await first.finishAuth(oauth.answer);
    const transport = new TransportV2(endpoint, { authProvider: oauth });
    const client = new ClientV2({ name: 'v2', version: '1' }, options);
    await client.connect(transport);
    expect(oauth.tokens()?.refresh_token).toBeDefined();
    expect((await client.callTool({ name: 'status' })).isError).toBeUndefined();
    await expect(client.callTool(restart)).rejects.toBeInstanceOf(UnauthorizedV2);
    expect(asked).toEqual(['mcp offline_access', 'mcp mcp:manage offline_access']);
    await transport.finishAuth(oauth.answer);
    expect(await client.callTool(restart)).toMatchObject(allowed);
    await client.close();
  });
});
