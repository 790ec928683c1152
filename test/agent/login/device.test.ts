import { createServer, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CredentialStore } from '../../../src/agent/credentials/store.js';
import type { DeviceCode } from '../../../src/agent/login/device-code.js';
import { type LoginOptions, login } from '../../../src/agent/login.js';
import { type TempConfig, tempConfig } from './temp-config.js';

interface Answer {
  readonly status: number;
  readonly body: object;
}

const refused = (error: string, status = 400): Answer => ({ status, body: { error } });
const TOKENS: Answer = {
  status: 200,
  body: { access_token: 'at', token_type: 'Bearer', refresh_token: 'rt', expires_in: 60, account: 'anna' },
};

let server: Server;
let temp: TempConfig;
let origin = '';
/** What the token endpoint answers, in turn; the connection is cut where there is nothing. */
let answers: (Answer | undefined)[];
let polls: { readonly at: number; readonly form: URLSearchParams }[];
let asked: URLSearchParams[];
let metadata: Record<string, unknown>;
let authorization: Record<string, unknown>;

beforeEach(async () => {
  server = createServer(async (req, res) => {
    const form = new URLSearchParams(await text(req));
    if (req.url === '/.well-known/oauth-protected-resource/ws') {
      return send(res, { status: 200, body: { resource: `${origin}/ws`, authorization_servers: [origin] } });
    }
    if (req.url === '/.well-known/oauth-authorization-server') return send(res, { status: 200, body: metadata });
    if (req.url === '/device/auth') {
      asked.push(form);
      return send(res, { status: 200, body: authorization });
    }
    polls.push({ at: performance.now(), form });
    const answer = answers.shift();
    if (answer === undefined) req.socket.destroy();
    else send(res, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  origin = `http://127.0.0.1:${address.port}`;
  [answers, polls, asked] = [[], [], []];
  metadata = {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    device_authorization_endpoint: `${origin}/device/auth`,
  };
  authorization = {
    device_code: 'secret-device-code',
    user_code: 'BCDF-GHJK',
    verification_uri: `${origin}/device`,
    verification_uri_complete: `${origin}/device?user_code=BCDF-GHJK`,
    expires_in: 600,
    interval: 0.02,
  };
  temp = await tempConfig(origin);
});

afterEach(async () => {
  await temp[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function send(res: ServerResponse, { status, body }: Answer): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function elsewhere(more: Partial<LoginOptions> = {}): LoginOptions {
  return { signal: new AbortController().signal, browser: false, notify: () => {}, ...more };
}

it('§7.39 asks for the agent’s own access, tells address and code in words, polls while it is pending', async () => {
  answers = [refused('authorization_pending'), refused('authorization_pending'), TOKENS];
  const said: string[] = [];
  const result = await login(temp.config, elsewhere({ notify: (line) => void said.push(line) }));
  expect(result).toMatchObject({ relay: origin, account: 'anna' });
  expect((await new CredentialStore(temp.config).load())?.refreshToken).toBe('rt');
  expect(Object.fromEntries(asked[0] ?? [])).toEqual({
    client_id: 'mcp-local-tunnel-agent',
    scope: 'tunnel',
    resource: `${origin}/ws`,
    device_name: 'laptop',
  });
  const words = said.join('\n');
  expect(words).toMatch(new RegExp(`^ {2}${origin}/device$`, 'm'));
  expect(words).toMatch(/^ {2}BCDF-GHJK$/m);
  expect(words).not.toContain('secret-device-code');
  expect(polls).toHaveLength(3);
  for (const { form } of polls) {
    expect(Object.fromEntries(form)).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: 'secret-device-code',
      client_id: 'mcp-local-tunnel-agent',
    });
  }
});

it('§7.39 gives a program the code as data, with no words about it', async () => {
  answers = [TOKENS];
  const codes: DeviceCode[] = [];
  const said: string[] = [];
  await login(temp.config, elsewhere({ notify: (line) => void said.push(line), showCode: (code) => codes.push(code) }));
  expect(codes).toEqual([
    { verificationUri: `${origin}/device`, userCode: 'BCDF-GHJK', expiresAt: expect.any(Number) },
  ]);
  expect(said).toEqual([]);
});

it('§7.39 waits five seconds longer after slow_down', async () => {
  answers = [refused('slow_down'), TOKENS];
  await login(temp.config, elsewhere());
  const [first, second] = polls.map(({ at }) => at);
  expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(5_000);
}, 20_000);

it.each([
  ['access_denied', 'access_denied', 'declined'],
  ['expired_token', 'timeout', 'in time'],
  ['invalid_grant', 'refused', 'invalid_grant'],
])('§7.39 ends at %s with words that say what to do', async (error, code, words) => {
  answers = [refused('authorization_pending'), refused(error)];
  const ended = login(temp.config, elsewhere());
  await expect(ended).rejects.toMatchObject({ name: 'LoginError', code, message: expect.stringContaining(words) });
  await expect(ended).rejects.toThrow('Run mcp-local-tunnel login again');
  await expect(new CredentialStore(temp.config).load()).resolves.toBeUndefined();
});

it('§7.39 goes on polling after a relay that was away or busy', async () => {
  answers = [undefined, refused('temporarily_unavailable', 429), { status: 503, body: {} }, TOKENS];
  await expect(login(temp.config, elsewhere())).resolves.toMatchObject({ account: 'anna' });
});

it('§7.39 ends when it is told to, or when nobody comes', async () => {
  authorization.interval = 600;
  const abort = new AbortController();
  const showCode = () => abort.abort(new Error('Ctrl-C'));
  await expect(login(temp.config, elsewhere({ signal: abort.signal, showCode }))).rejects.toThrow('Ctrl-C');
  await expect(login(temp.config, elsewhere({ timeoutMs: 50 }))).rejects.toMatchObject({ code: 'timeout' });
  expect(polls).toHaveLength(0);
});

it('§7.39 says so where the relay offers no such login', async () => {
  const { device_authorization_endpoint: _, ...older } = metadata;
  metadata = older;
  await expect(login(temp.config, elsewhere())).rejects.toMatchObject({
    code: 'no_device_login',
    message: expect.stringContaining('mcp-local-tunnel login --browser'),
  });
});

it.each(['https://evil.example/device', 'javascript:alert(1)', 'file:///etc/passwd'])(
  '§7.39 sends nobody to %s',
  async (verification_uri) => {
    authorization.verification_uri = verification_uri;
    const said: string[] = [];
    const ended = login(temp.config, elsewhere({ notify: (line) => void said.push(line) }));
    await expect(ended).rejects.toMatchObject({ code: 'refused' });
    expect(said).toEqual([]);
  },
);

it('§7.39 a code or address cannot write to the terminal', async () => {
  answers = [TOKENS];
  authorization.user_code = 'BCDF\u001b[2J\nGHJK';
  const said: string[] = [];
  await login(temp.config, elsewhere({ notify: (line) => void said.push(line) }));
  expect(said.join('\n')).not.toContain('\u001b');
});
