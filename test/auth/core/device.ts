import { Browser, type Landing } from './browser.js';
import { type Json, post } from './client.js';

const AGENT = 'mcp-local-tunnel-agent';
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Asks for a code as the agent does. */
export function askCode(relay: string, form: Record<string, string> = {}): Promise<Json> {
  const asked = { client_id: AGENT, scope: 'tunnel', resource: `${relay}/ws`, device_name: 'laptop', ...form };
  return post(`${relay}/device/auth`, asked);
}

export function poll(relay: string, device_code: string, client_id = AGENT): Promise<Json> {
  return post(`${relay}/token`, { grant_type: GRANT, device_code, client_id });
}

/** Opens the page for codes and sends one. */
export async function enterCode(relay: string, user_code: string, browser = new Browser(relay)): Promise<Landing> {
  const { body } = await browser.open('/device');
  return browser.open('/device', { method: 'POST', body: new URLSearchParams({ ...hidden(body), user_code }) });
}

/** The page's hidden fields. */
export function hidden(html: string): Record<string, string> {
  const fields = html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}

/** Enters the code and answers as `user`, past the stand-in for our pages. */
export async function answerCode(
  relay: string,
  user_code: string,
  action: 'approve' | 'deny',
  user?: string,
): Promise<Landing> {
  const browser = new Browser(relay);
  const { url } = await enterCode(relay, user_code, browser);
  const headers: Record<string, string> = user === undefined ? {} : { 'x-user': user };
  return browser.open(`${url.pathname}/${action}`, { method: 'POST', headers });
}
