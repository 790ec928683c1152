import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { SignJWT } from 'jose';
import { authorizationCodeGrant } from 'openid-client';
import { describe, expect, test } from 'vitest';
import { loggerTo } from '../../../../test/helpers/logger.js';
import { LoginProvider } from './provider.js';

const quiet = loggerTo();

interface Stub extends AsyncDisposable {
  readonly issuer: string;
  /** Requests for the metadata, and the last token request's credentials. */
  readonly seen: { metadata: number; authorization: string | undefined; body: string };
  answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
}

/** What a provider may say that a conforming one in working order would not. */
async function startStub(metadata: object, token: () => Promise<object>): Promise<Stub> {
  const server = createServer((req, res) => void stub.answer(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const issuer = `http://127.0.0.1:${address.port}`;
  const stub: Stub = {
    issuer,
    seen: { metadata: 0, authorization: undefined, body: '' },
    answer: async (req, res) => {
      const isToken = req.url === '/token';
      if (isToken) Object.assign(stub.seen, { authorization: req.headers.authorization, body: await text(req) });
      else stub.seen.metadata++;
      const endpoints = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` };
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify(isToken ? await token() : { ...endpoints, ...metadata }));
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return stub;
}

const tokens = { access_token: 'a', token_type: 'Bearer' };

function providerAt(issuer: string, clientSecret?: string): LoginProvider {
  const common = { issuer, clientId: 'an id: of any kind', scopes: ['openid'], userClaim: 'sub', allow: {} };
  return new LoginProvider(clientSecret === undefined ? common : { ...common, clientSecret }, quiet);
}

const back = new URL('https://relay.example/callback?code=x');

describe('how the client authenticates', () => {
  const basic = 'client_secret_basic';
  const post = 'client_secret_post';
  test.each([
    ['no secret', undefined, [basic, post], 'none'],
    ['a secret where Basic is offered', 's', [post, basic], 'basic'],
    ['a secret where only the body is offered', 's', [post], 'post'],
    ['a secret where nothing is said', 's', undefined, 'basic'],
  ])('%s', async (_name, secret, methods, expected) => {
    const metadata = methods === undefined ? {} : { token_endpoint_auth_methods_supported: methods };
    await using stub = await startStub(metadata, async () => tokens);
    await authorizationCodeGrant(await providerAt(stub.issuer, secret).configuration(), back);
    const used =
      stub.seen.authorization !== undefined ? 'basic' : /client_secret=/.test(stub.seen.body) ? 'post' : 'none';
    expect(used).toBe(expected);
  });
});

describe('clocks that differ', () => {
  test.each([
    ['the provider is 50 s behind', -50, true],
    ['the provider is 50 s ahead', 50, true],
    ['the provider is 70 s behind', -70, false],
    ['the provider is 70 s ahead', 70, false],
  ])('%s', async (_name, seconds, accepted) => {
    const now = Math.floor(Date.now() / 1000) + seconds;
    await using stub = await startStub({ id_token_signing_alg_values_supported: ['HS256'] }, async () => ({
      ...tokens,
      // Valid from now and until now by the provider's own clock.
      id_token: await new SignJWT({
        sub: 'x',
        iss: stub.issuer,
        aud: 'an id: of any kind',
        iat: now,
        nbf: now,
        exp: now,
      })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new Uint8Array(32)),
    }));
    const grant = authorizationCodeGrant(await providerAt(stub.issuer).configuration(), back, {
      idTokenExpected: true,
    });
    if (accepted) await expect(grant).resolves.toBeDefined();
    else await expect(grant).rejects.toMatchObject({ code: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED' });
  });
});

describe('metadata', () => {
  test('is asked for once, also by many at once', async () => {
    await using stub = await startStub({}, async () => tokens);
    const provider = providerAt(stub.issuer);
    await Promise.all([provider.configuration(), provider.configuration()]);
    await provider.configuration();
    expect(stub.seen.metadata).toBe(1);
  });

  test.each([
    ['a server error', (res: ServerResponse) => res.writeHead(500).end(), 'unreachable'],
    ['not found', (res: ServerResponse) => res.writeHead(404).end(), 'misconfigured'],
    ['a web page', (res: ServerResponse) => res.setHeader('content-type', 'text/html').end('<p>hello'), 'unreachable'],
    ['another issuer', (res: ServerResponse) => res.end('{"issuer":"https://evil.example"}'), 'misconfigured'],
    ['a cut connection', (res: ServerResponse) => res.destroy(), 'unreachable'],
  ])('%s, then in order: the next login works', async (_name, fail, code) => {
    await using stub = await startStub({}, async () => tokens);
    const { answer } = stub;
    stub.answer = async (_req, res) => {
      res.setHeader('content-type', 'application/json');
      fail(res);
    };
    const provider = providerAt(stub.issuer);
    await expect(provider.configuration()).rejects.toMatchObject({ code });
    stub.answer = answer;
    await expect(provider.configuration()).resolves.toBeDefined();
  });
});
