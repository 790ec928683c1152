import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { deriveKeys } from '../../../src/relay/auth/keys.js';
import { AGENT_CLIENT_ID } from '../../../src/relay/auth/server/agent-client.js';
import { TokenError } from '../../../src/relay/auth/token-error.js';
import { relaySecret } from '../../../src/relay/store/secret.js';
import { authorize, call, getJson, login, redeem, registered } from './client.js';
import { startRelay, type TestRelay } from './relay.js';

let relay: TestRelay;
let client: string;
let good: string;

beforeAll(async () => {
  relay = await startRelay();
  client = await registered(relay.url);
  good = (await login(relay.url, client)).access_token;
});
afterAll(() => relay.stop());

/** A token like the relay's own, signed with its own key, with something changed. */
async function forged(claims: JWTPayload = {}, header: { typ?: string; alg?: string } = {}, key?: Uint8Array) {
  const { signing } = deriveKeys(await relaySecret({ dataDir: relay.dataDir }));
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: relay.url,
    aud: `${relay.url}/mcp`,
    sub: 'u',
    client_id: client,
    grant_id: 'g',
    scope: 'mcp',
    iat: now,
    exp: now + 600,
    ...claims,
  };
  const own = createPrivateKey({ key: { ...signing.privateJwk }, format: 'jwk' });
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...header }).sign(key ?? own);
}

async function codeOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    await attempt;
    return 'let in';
  } catch (error) {
    return error instanceof TokenError ? error.code : error;
  }
}

describe('§7.6 bad tokens get 401', () => {
  const bad: Readonly<Record<string, () => Promise<string>>> = {
    'another audience': () => forged({ aud: 'https://other.example/mcp' }),
    'another issuer': () => forged({ iss: 'https://other.example' }),
    'alg none': async () =>
      new UnsecuredJWT({ aud: `${relay.url}/mcp`, client_id: client, grant_id: 'g', scope: 'mcp' })
        .setIssuer(relay.url)
        .setSubject('u')
        .setExpirationTime('1h')
        .encode(),
    'HS256 with the public key': async () => {
      const { body } = await getJson(`${relay.url}/jwks`);
      return forged({}, { alg: 'HS256' }, Buffer.from(body.keys[0].x, 'base64url'));
    },
    expired: () => forged({ exp: Math.floor(Date.now() / 1000) - 61 }),
    'an id token': async () => {
      const done = await authorize(relay.url, client, { scope: 'openid' });
      return (await redeem(relay.url, client, done)).body.id_token;
    },
    "the agent's token": async () => {
      const extra = { redirect_uri: 'http://127.0.0.1:1/callback' };
      return (await login(relay.url, AGENT_CLIENT_ID, extra)).access_token;
    },
    "another key's token": async () => {
      const { privateKey } = generateKeyPairSync('ed25519');
      return new SignJWT({ client_id: client, grant_id: 'g', scope: 'mcp' })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' })
        .setIssuer(relay.url)
        .setAudience(`${relay.url}/mcp`)
        .setSubject('u')
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey);
    },
    'a plain JWT type': () => forged({}, { typ: 'JWT' }),
    'no grant': () => forged({ grant_id: undefined }),
    'several audiences': () => forged({ aud: [`${relay.url}/mcp`, 'https://other.example'] }),
    'a changed payload': async () => good.replace(/\.(.)/, (_, first) => `.${first === 'e' ? 'f' : 'e'}`),
    'a refresh token': async () => (await login(relay.url, client)).refresh_token,
    'something giant': async () => 'x'.repeat(9000),
  };
  test.each(Object.keys(bad))('%s', async (name) => {
    const token = (await bad[name]?.()) ?? '';
    const { status, headers, body } = await call(`${relay.url}/mcp`, token);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(JSON.stringify(body)).not.toContain(token);
  });

  test("a client's token at /ws", async () => {
    expect((await call(`${relay.url}/ws`, good)).status).toBe(401);
  });
});

test('the helper that forges makes good tokens where nothing is changed', async () => {
  expect((await call(`${relay.url}/mcp`, await forged())).status).toBe(200);
});

test.each([
  ['exp a minute ago is within tolerance', { exp: -59 }, 200],
  ['not yet valid for a minute is within tolerance', { nbf: 59 }, 200],
  ['not yet valid for longer', { nbf: 120 }, 401],
])('clocks may differ: %s', async (_name, offsets, status) => {
  const now = Math.floor(Date.now() / 1000);
  const claims = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, now + offset]));
  expect((await call(`${relay.url}/mcp`, await forged(claims))).status).toBe(status);
});

test('a token that was checked is known again, also beside so many that its hash is not kept; another one never is', async () => {
  const at = { resource: `${relay.url}/mcp`, scope: 'mcp' } as const;
  const tokens = await Promise.all(Array.from({ length: 300 }, (_, index) => forged({ sub: `user-${index}` })));
  expect(tokens.map((token) => relay.verifier.recall(token, at))).toEqual(tokens.map(() => undefined));
  for (const token of tokens) await relay.verifier.verify(token, at);
  const users = tokens.map((_, index) => `user-${index}`);
  for (let round = 0; round < 3; round += 1) {
    expect(tokens.map((token) => relay.verifier.recall(token, at)?.userId)).toEqual(users);
  }
  const elsewhere = { resource: `${relay.url}/ws`, scope: 'tunnel' } as const;
  expect(() => relay.verifier.recall(tokens[299] ?? '', elsewhere)).toThrow(TokenError);
  expect(relay.verifier.recall(`${tokens[299]}A`, at)).toBe(undefined);
});

test('the wrong scope is 403 and names the right one', async () => {
  const { status, headers, body } = await call(`${relay.url}/mcp`, await forged({ scope: 'other' }));
  expect(status).toBe(403);
  expect(headers.get('www-authenticate')).toMatch(/scope="mcp", error="insufficient_scope"/);
  expect(body.error).toBe('insufficient_scope');
});

test.each([
  ['/mcp', '/mcp', 200],
  ['/mcp', '/mcp/laptop', 200],
  ['/mcp', '/mcp/laptop/shell', 200],
  ['/mcp/laptop', '/mcp/laptop', 200],
  ['/mcp/laptop', '/mcp', 401],
  ['/mcp/laptop', '/mcp/laptop/shell', 200],
  ['/mcp/laptop', '/mcp/desk/shell', 401],
  ['/mcp/lap', '/mcp/laptop', 401],
  ['/mcp/laptop/shell', '/mcp/laptop/shell', 200],
  ['/mcp/laptop/shell', '/mcp/laptop/shells', 401],
  ['/mcp/laptop/shell', '/mcp', 401],
  ['/mcp/laptop', '/mcp/laptop2', 401],
  ['/mcp/laptop/shell', '/mcp/laptop', 401],
])('a token for %s at %s: %i', async (audience, path, status) => {
  const token = await forged({ aud: `${relay.url}${audience}` });
  expect((await call(`${relay.url}${path}`, token)).status).toBe(status);
});

test.each(['access_token', 'token'])(
  'a token in the query parameter %s is 400, even beside a good one',
  async (name) => {
    expect((await call(`${relay.url}/mcp?${name}=${good}`, good)).status).toBe(400);
    expect((await call(`${relay.url}/mcp?${name}=${good}`)).status).toBe(400);
  },
);

test.each([
  ['Basic dXNlcjpwdw==', false],
  ['Bearer', false],
  ['Bearer  ', false],
  ['Bearer a b', true],
  ['Bearer "quoted"', true],
  ['DPoP x', false],
])('the header %s names an error: %s', async (authorization, named) => {
  const { status, headers } = await getJson(`${relay.url}/mcp`, { headers: { authorization } });
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')?.includes('error=')).toBe(named);
});

test('the scheme may be written in any case', async () => {
  const { status } = await getJson(`${relay.url}/mcp`, { headers: { authorization: `bEaReR ${good}` } });
  expect(status).toBe(200);
});

test('every refusal has its code', async () => {
  const want = { scope: 'mcp', resource: `${relay.url}/mcp` } as const;
  const { verifier } = relay;
  expect(await codeOf(verifier.verify('', want))).toBe('missing');
  expect(await codeOf(verifier.verify('x', want))).toBe('invalid');
  expect(await codeOf(verifier.verify(await forged({ exp: 1 }), want))).toBe('expired');
  expect(await codeOf(verifier.verify(await forged({ aud: 'x' }), want))).toBe('wrong_audience');
  expect(await codeOf(verifier.verify(await forged({ scope: '' }), want))).toBe('insufficient_scope');
  const { access_token } = await login(relay.url, client);
  const { grantId } = await verifier.verify(access_token, want);
  await relay.server.revokeGrant(grantId);
  expect(await codeOf(verifier.verify(access_token, want))).toBe('revoked');
});

test('a remembered token expires all the same', async () => {
  const want = { scope: 'mcp', resource: `${relay.url}/mcp` } as const;
  const token = await forged();
  await relay.verifier.verify(token, want);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 661_000 });
  try {
    expect(await codeOf(relay.verifier.verify(token, want))).toBe('expired');
  } finally {
    vi.useRealTimers();
  }
});
