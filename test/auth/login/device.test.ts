import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBrowser, type TestBrowser } from '../../helpers/browser.js';
import { startOidcProvider } from '../../helpers/oidc-provider.js';
import { askCode, poll } from '../core/device.js';
import { type AuthRelay, startAuthRelay } from './auth-relay.js';
import { PlainBrowser } from './plain-browser.js';

const password = 'walnut harbour sings';
let chromium: TestBrowser;

beforeAll(async () => {
  chromium = await startBrowser();
});

afterAll(async () => {
  await chromium?.close();
});

async function setUpOwner(relay: AuthRelay): Promise<void> {
  const setup = await new PlainBrowser().visit(`${relay.url}/setup`);
  await setup.submit({ token: relay.setupUrl ?? '', name: 'owner', password, again: password });
}

describe.each([
  ['with scripts', true],
  ['without scripts', false],
])('§7.39 a machine without a browser, in Chromium %s', (_name, javaScriptEnabled) => {
  test('the code, consent, and only then the provider; the second machine without its form', async () => {
    await using provider = await startOidcProvider();
    await using relay = await startAuthRelay(provider);
    const { body: code } = await askCode(relay.url);
    const page = await chromium.newPage({ javaScriptEnabled });
    const refused: string[] = [];
    page.on('console', (message) => void refused.push(message.text()));

    // The link fills the field in, and nothing more.
    await page.goto(code.verification_uri_complete);
    expect(await page.getByLabel('Code').inputValue()).toBe(code.user_code);
    expect((await poll(relay.url, code.device_code)).body.error).toBe('authorization_pending');
    await page.getByRole('button', { name: 'Continue' }).click();

    await page.getByRole('heading', { name: 'Connect this device to the relay?' }).waitFor();
    const consent = (await page.textContent('main')) ?? '';
    expect(consent).toContain('It calls itself laptop.');
    expect(consent).toContain('from the address 127.0.0.1');
    expect(consent).toContain(code.user_code);
    expect(consent).toContain('Only approve what you started yourself');
    expect(provider.authorizationRequests).toHaveLength(0);
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await page.locator('input[name=name]').fill('alice');
    await page.locator('input[name=password]').fill('correct horse');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'The machine is connected' }).waitFor();
    const { status, body } = await poll(relay.url, code.device_code);
    expect([status, body.account]).toEqual([200, 'alice@example.com']);
    const at = { resource: `${relay.url}/ws`, scope: 'tunnel' } as const;
    expect(await relay.verifier.verify(body.access_token, at)).toMatchObject({ userId: `${provider.issuer}|alice` });

    // Signed in already: still asked.
    const { body: second } = await askCode(relay.url, { device_name: 'desktop' });
    await page.goto(second.verification_uri);
    await page.getByLabel('Code').fill(second.user_code.toLowerCase());
    await page.keyboard.press('Enter');
    expect(await page.locator('.account').textContent()).toContain('Signed in as alice@example.com');
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await page.getByRole('heading', { name: 'The machine is connected' }).waitFor();
    expect((await poll(relay.url, second.device_code)).status).toBe(200);
    expect(provider.authorizationRequests).toHaveLength(1);
    expect(refused.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
    await page.context().close();
  });

  test('the relay’s own account: a wrong code first, then no, then yes', async () => {
    await using relay = await startAuthRelay();
    await setUpOwner(relay);
    const page = await chromium.newPage({ javaScriptEnabled });
    const { body: unwanted } = await askCode(relay.url, { device_name: '' });
    await page.goto(`${relay.url}/device`);
    await page.getByLabel('Code').fill('BBBB-BBBB');
    await page.keyboard.press('Enter');
    expect(await page.getByRole('alert').textContent()).toContain('No login waits for this code');
    expect(await page.getByLabel('Code').inputValue()).toBe('BBBB-BBBB');
    await page.getByLabel('Code').fill(unwanted.user_code);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.getByRole('heading', { name: 'Nothing was connected' }).waitFor();
    expect((await poll(relay.url, unwanted.device_code)).body.error).toBe('access_denied');

    const { body: code } = await askCode(relay.url);
    await page.goto(code.verification_uri_complete);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.fill('#name', 'owner');
    await page.fill('#password', 'wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    expect((await poll(relay.url, code.device_code)).body.error).toBe('authorization_pending');
    await page.fill('#password', password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'The machine is connected' }).waitFor();
    expect((await poll(relay.url, code.device_code)).status).toBe(200);
    expect(JSON.stringify(relay.log)).not.toContain(code.device_code);
    await page.context().close();
  });
});

test('§7.39 what a machine calls itself cannot be markup, nor hide or reorder words', async () => {
  await using relay = await startAuthRelay();
  const name = `</p><script>alert(1)</script>\u202egnp.\u0000\n${'x'.repeat(5000)}`;
  const { body: code } = await askCode(relay.url, { device_name: name });
  const consent = await (await new PlainBrowser().visit(code.verification_uri)).submit({ user_code: code.user_code });
  expect(consent.title).toBe('Connect this device to the relay?');
  expect(consent.html).toContain('&lt;script&gt;');
  expect(consent.html).not.toMatch(/<script|\u202e|\0|x{200}/);
});

test('§7.39 the pages of a code are framed, stored and changed by nobody', async () => {
  await using relay = await startAuthRelay();
  const browser = new PlainBrowser();
  const { body: code } = await askCode(relay.url);
  const entry = await browser.visit(code.verification_uri_complete);
  const wrong = await entry.submit({ user_code: 'x' });
  const denied = await (await wrong.submit({ user_code: code.user_code })).submit({ decision: 'deny' });
  expect([entry, wrong, denied].map(({ response }) => response.status)).toEqual([200, 400, 200]);
  for (const { response, html } of [entry, wrong, denied]) {
    const policy = response.headers.get('content-security-policy') ?? '';
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]) {
      expect(policy).toContain(part);
    }
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('cache-control')).toContain('no-store');
    expect(response.headers.get('referrer-policy')).toBe('same-origin');
    expect(html).not.toMatch(/<script| on\w+=/);
  }
});
