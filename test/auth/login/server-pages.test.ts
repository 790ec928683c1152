import { expect, test } from 'vitest';
import { startAuthRelay } from './auth-relay.js';

const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

/** The page is one of the relay's own, with their headers. */
async function expectPage(response: Response, title: string): Promise<string> {
  const html = await response.text();
  expect(html).toContain(`<h1>${title}</h1>`);
  expect(html).toContain('<footer>mcp-local-tunnel relay at ');
  const policy = response.headers.get('content-security-policy');
  expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'/);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('x-frame-options')).toBe('DENY');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('referrer-policy')).toBe('same-origin');
  return html;
}

test('an authorization request that leads nowhere ends at a page like the others', async () => {
  await using relay = await startAuthRelay();
  const address = `${relay.url}/authorize?response_type=code&client_id=${encodeURIComponent('<b>nobody</b>')}`;
  const response = await fetch(address, browser);
  expect(response.status).toBe(400);
  const html = await expectPage(response, 'Login could not go on');
  expect(html).toContain('connect again');
  expect(html).toMatch(/\(invalid_\w+\)/);
  expect(html).not.toContain('<b>');

  const json = await fetch(address, { headers: { accept: 'application/json' } });
  expect(json.status).toBe(400);
  expect(await json.json()).toMatchObject({ error: expect.stringMatching(/^invalid_/) });

  const over = await fetch(`${relay.url}/authorize/none`, browser);
  expect(over.status).toBe(400);
  await expectPage(over, 'Login could not go on');
});

test('too many requests: a page for browsers, JSON for programs', async () => {
  await using relay = await startAuthRelay(undefined, {}, { requestsPerMinute: 1 });
  await fetch(`${relay.url}/authorize`);
  const page = await fetch(`${relay.url}/authorize`, browser);
  expect(page.status).toBe(429);
  expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
  await expectPage(page, 'Too many attempts');
  for (const accept of ['*/*', 'application/json']) {
    const json = await fetch(`${relay.url}/.well-known/oauth-authorization-server`, { headers: { accept } });
    expect(json.status).toBe(429);
    expect(json.headers.get('access-control-allow-origin')).toBe('*');
    expect(await json.json()).toMatchObject({ error: 'temporarily_unavailable' });
  }
});
