import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** A Chromium without a window and with an empty profile; ends with `close` or `await using`. */
export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser;
  /** A page in a fresh context: no cookies of another test. */
  newPage(options?: { readonly javaScriptEnabled?: boolean; readonly colorScheme?: 'light' | 'dark' }): Promise<Page>;
  close(): Promise<void>;
}

/** Throws one line that says what to install when there is no Chromium. */
export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(
      `No Chromium at ${executablePath}: run "apt-get install -y chromium", or set CHROMIUM_PATH to a Chromium or Chrome.`,
    );
  }
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const close = () => browser.close();
  return {
    browser,
    newPage: async (options) => (await browser.newContext(options)).newPage(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** `user` undefined: a session is expected, so no form may ask. */
export interface SignInThroughBrowser {
  readonly user?: string;
  readonly password?: string;
  /** Begins the flow; absent: the page is already at the relay's consent page. */
  readonly url?: string;
  /** The flow has ended when the page is at a URL that starts with this. */
  readonly until: string;
}

/** Consent page, Allow, the provider's form or the relay's own, and back. Returns the URL the flow ended at. */
export async function signInThroughBrowser(page: Page, options: SignInThroughBrowser): Promise<string> {
  if (options.url !== undefined) await page.goto(options.url);
  // Begun here, since the end may come with the first click; the page may have been there before.
  const ended = page.waitForURL((url) => url.href.startsWith(options.until), { waitUntil: 'commit' });
  // Awaited below; a failure in between must not be reported twice.
  ended.catch(() => undefined);
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  if (options.user !== undefined) {
    await page.locator('input[name=name]').fill(options.user);
    await page.locator('input[name=password]').fill(options.password ?? '');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  }
  await ended;
  return page.url();
}
