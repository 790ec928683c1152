import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findProgram } from '../../../../scripts/programs.mjs';
import { PrivateAddressError, PublicFetch } from './public-fetch.js';

let listeners: Server[];
let port: number;
let connections: number;
let guard: PublicFetch;

beforeAll(async () => {
  const count = (): number => (connections += 1);
  const first = createServer(count).listen(0, '127.0.0.1');
  await once(first, 'listening');
  ({ port } = first.address() as AddressInfo);
  listeners = [first];
  const second = createServer(count).listen(port, '::1');
  // Where there is no IPv6 the IPv4 half still counts.
  await Promise.race([once(second, 'listening'), once(second, 'error')]);
  listeners.push(second);
});
afterAll(() => {
  for (const listener of listeners) listener.close();
});
beforeEach(() => {
  connections = 0;
  guard = new PublicFetch();
});
afterEach(() => guard.close());

async function causeOf(attempt: Promise<Response>): Promise<unknown> {
  return attempt.then(
    () => 'fetched',
    (error: unknown) => (error instanceof Error ? error.cause : error),
  );
}

test.each([
  '127.0.0.1',
  'localhost',
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '127.1',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
])('%s is refused before a connection is opened', async (host) => {
  expect(await causeOf(guard.fetch(`https://${host}:${port}/x.json`))).toBeInstanceOf(PrivateAddressError);
  expect(connections).toBe(0);
});

test('the name is resolved once, and one private address among public ones is enough to refuse', async () => {
  const asked: string[] = [];
  const rebinding = new PublicFetch(async (hostname) => {
    asked.push(hostname);
    return ['8.8.8.8', '127.0.0.1'];
  });
  expect(await causeOf(rebinding.fetch(`https://rebind.example:${port}/`))).toBeInstanceOf(PrivateAddressError);
  expect(asked).toEqual(['rebind.example']);
  expect(connections).toBe(0);
  await rebinding.close();
});

test('a name without an address is refused', async () => {
  const nowhere = new PublicFetch(async () => []);
  expect(await causeOf(nowhere.fetch('https://nowhere.example/'))).toBeInstanceOf(PrivateAddressError);
  await nowhere.close();
});

test.each(['http://127.0.0.1/', 'http://example.com/', 'file:///etc/passwd', 'data:text/plain,x'])(
  '%s is not https and not fetched',
  async (url) => {
    await expect(guard.fetch(url)).rejects.toThrow('only https');
  },
);

test('the relay starts only with a guard that is seen to refuse', async () => {
  const checked = await PublicFetch.checked();
  await checked.close();
  const broken = PublicFetch.checked(async () => {
    throw new Error('fails for another reason');
  });
  await expect(broken).rejects.toThrow('guard against requests into the private network');
});

// openssl makes the certificate; Windows and macOS need not have one that does.
describe.runIf(process.platform === 'linux')('at an address that was let through', () => {
  const NAME = 'documents.example';
  let folder: string;
  let ca: string;
  let key: string;
  let server: ReturnType<typeof createHttps>;
  let at: number;
  let answer: (req: IncomingMessage, res: ServerResponse) => void;
  let through: PublicFetch;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'public-fetch-'));
    const [keyFile, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    const named = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME},IP:127.0.0.1`];
    execFileSync(
      findProgram('openssl') ?? '',
      ['req', '-x509', ...made, ...named, '-keyout', keyFile, '-out', certificate],
      {
        stdio: 'ignore',
      },
    );
    [key, ca] = await Promise.all([readFile(keyFile, 'utf8'), readFile(certificate, 'utf8')]);
    server = createHttps({ key, cert: ca }, (req, res) => answer(req, res)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port: at } = server.address() as AddressInfo);
    through = new PublicFetch(async () => ['127.0.0.1'], { allows: () => true, ca });
  });
  afterAll(async () => {
    await through.close();
    server.close();
    await rm(folder, { recursive: true });
  });

  test('the answer is that of the address, asked by its name, with what oidc-provider reads of it', async () => {
    const seen: unknown[] = [];
    answer = (req, res) => {
      const servername = 'servername' in req.socket && req.socket.servername;
      seen.push([servername, req.headers.host, req.url, req.headers.accept, req.headers.connection]);
      res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=5' }).end('{"a":1}');
    };
    const headers = { accept: 'application/json' };
    const response = await through.fetch(`https://${NAME}:${at}/client.json?v=1`, { headers, redirect: 'manual' });
    expect(seen).toEqual([[NAME, `${NAME}:${at}`, '/client.json?v=1', 'application/json', 'close']]);
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'max-age=5']);
    expect(await response.json()).toEqual({ a: 1 });
    const byAddress = await through.fetch(new URL(`https://127.0.0.1:${at}/`));
    expect(await byAddress.json()).toEqual({ a: 1 });
  });

  test('a redirect is an answer like any other, and so is one without a body', async () => {
    answer = (_req, res) => res.writeHead(302, { location: 'https://127.0.0.1/' }).end();
    expect((await through.fetch(`https://${NAME}:${at}/`)).status).toBe(302);
    answer = (_req, res) => res.writeHead(204).end();
    expect(await (await through.fetch(`https://${NAME}:${at}/`)).text()).toBe('');
  });

  test('a certificate for another name, or of a root that nobody trusts, is no answer', async () => {
    expect(await causeOf(through.fetch(`https://other.example:${at}/`))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    const strict = new PublicFetch(async () => ['127.0.0.1'], { allows: () => true });
    expect(await causeOf(strict.fetch(`https://${NAME}:${at}/`))).toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    await strict.close();
  });

  test('a reader that has enough closes the connection, and so does the signal', async () => {
    const closed: Promise<unknown>[] = [];
    answer = (_req, res) => {
      closed.push(once(res, 'close'));
      res.writeHead(200).write('first');
    };
    const response = await through.fetch(`https://${NAME}:${at}/`);
    await response.body?.cancel();
    await closed[0];
    const stop = new AbortController();
    const second = await through.fetch(`https://${NAME}:${at}/`, { signal: stop.signal });
    stop.abort();
    await expect(second.text()).rejects.toThrow();
    await closed[1];
    await expect(through.fetch(`https://${NAME}:${at}/`, { signal: stop.signal })).rejects.toThrow('fetch failed');
  });

  test('a resolver that does not answer is not waited for after the signal', async () => {
    const slow = new PublicFetch(() => new Promise(() => {}));
    const stop = new AbortController();
    const waiting = slow.fetch('https://slow.example/', { signal: stop.signal });
    stop.abort(new Error('enough'));
    expect(await causeOf(waiting)).toMatchObject({ message: 'enough' });
    await slow.close();
  });
});
