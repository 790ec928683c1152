import { expect, test } from 'vitest';
import { CALLBACK, getJson, post, register } from './client.js';
import { startRelay } from './relay.js';

test('each endpoint has its limit per address, and says when to come back', async () => {
  await using relay = await startRelay({
    limits: { requestsPerMinute: 3, tokensPerMinute: 2, registrationsPerHour: 1 },
  });
  const metadata = () => getJson(`${relay.url}/.well-known/oauth-authorization-server`);
  const token = () => post(`${relay.url}/token`, { grant_type: 'refresh_token', client_id: 'x', refresh_token: 'y' });
  const registration = () => register(relay.url, { redirect_uris: [CALLBACK] });
  for (const [request, limit] of [
    [metadata, 3],
    [token, 2],
    [registration, 1],
  ] as const) {
    for (let n = 0; n < limit; n += 1) expect((await request()).status).not.toBe(429);
    const { status, headers, body } = await request();
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body.error).toBe('temporarily_unavailable');
  }
  expect((await getJson(`${relay.url}/authorize`)).status).toBe(429);
  expect((await getJson(`${relay.url}/healthz`)).status).toBe(200);
});
