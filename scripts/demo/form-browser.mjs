/** Just enough of a browser for the demo's own sign-in: cookies, redirects, and the relay's plain HTML forms. */
export class FormBrowser {
  #cookies = new Map();

  /**
   * Opens `url` and follows redirects and pages that forward by themselves, until a page stays or `stop` says so.
   * @returns {Promise<{url: URL, html: string}>}
   */
  async open(url, stop = () => false, init = {}) {
    let at = new URL(url);
    let request = init;
    for (let hops = 0; hops < 20; hops += 1) {
      if (stop(at)) return { url: at, html: '' };
      const response = await fetch(at, {
        ...request,
        redirect: 'manual',
        headers: { ...request.headers, cookie: this.#cookieHeader() },
      });
      this.#remember(response.headers);
      const html = await response.text();
      const next = response.headers.get('location') ?? forward(html);
      if (next === undefined) {
        if (response.status >= 400) throw new Error(`${at.pathname} answered ${response.status}: ${words(html)}`);
        return { url: at, html };
      }
      at = new URL(next, at);
      request = {};
    }
    throw new Error(`too many redirects at ${at.origin}${at.pathname}`);
  }

  /** Fills in and sends the first form of a page. */
  async submit(page, fields, stop) {
    const form = /<form([^>]*)>([\s\S]*?)<\/form>/.exec(page.html);
    if (form === null) throw new Error(`no form on ${page.url.pathname}: ${words(page.html)}`);
    const hidden = [...form[2].matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    const body = new URLSearchParams(hidden.map(([, name, value]) => [name, plain(value)]));
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    const action = new URL(plain(/action="([^"]*)"/.exec(form[1])?.[1] ?? page.url.href), page.url);
    return this.open(action, stop, { method: 'POST', body, headers: { origin: action.origin } });
  }

  #cookieHeader() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #remember(headers) {
    for (const line of headers.getSetCookie()) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      const expires = /expires=([^;]+)/i.exec(line)?.[1];
      if (value === '' || (expires !== undefined && Date.parse(expires) < Date.now())) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}

function forward(html) {
  const url = /<meta http-equiv="refresh" content="0;\s*url=([^"]+)"/i.exec(html)?.[1];
  return url === undefined ? undefined : plain(url);
}

function plain(text) {
  return text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
}

function words(html) {
  return html
    .replace(/<(style|script)[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}
