import { FormBrowser } from '../../scripts/demo/form-browser.mjs';

/**
 * A person at the relay's pages: says yes to the program that asks, then signs in. Ends at the first address that `stop`
 * says yes to, which is not opened.
 * @param {string | URL} address
 * @param {{ name: string, password: string }} account
 * @param {(at: URL) => boolean} stop
 * @returns {Promise<URL>}
 */
export async function signIn(address, account, stop) {
  const browser = new FormBrowser();
  let page = await browser.submit(await browser.open(address, stop), { decision: 'allow' }, stop);
  if (!stop(page.url)) page = await browser.submit(page, account, stop);
  return page.url;
}
