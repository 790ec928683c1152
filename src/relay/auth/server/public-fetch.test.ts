import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
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
