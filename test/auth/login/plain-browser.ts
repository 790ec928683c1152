/** What a test needs of a browser without scripts: cookies by path, redirects, forms and meta refresh. */
export class PlainBrowser {
  readonly #jar = new Map<string, { readonly path: string; readonly origin: string; readonly value: string }>();
  /** Method, path and status of every request, oldest first. */
  readonly trace: string[] = [];

  /** @param headers sent with every request, as a proxy in front would. */
  constructor(private readonly headers: Readonly<Record<string, string>> = {}) {}

  setCookie(origin: string, cookie: string): void {
    const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim());
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals);
    const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
    const expires = attributes.find((part) => /^expires=/i.test(part))?.slice(8);
    const maxAge = attributes.find((part) => /^max-age=/i.test(part))?.slice(8);
    const id = `${origin} ${path} ${name}`;
    // Max-Age goes before Expires, since the server's clock may be wrong (RFC 6265 §5.3).
    const over =
      maxAge === undefined ? expires !== undefined && Date.parse(expires) <= Date.now() : Number(maxAge) <= 0;
    if (over) this.#jar.delete(id);
    else this.#jar.set(id, { path, origin, value: pair });
  }

  cookiesFor(url: URL): string {
    const sent = [...this.#jar.values()].filter(
      ({ path, origin }) =>
        origin === url.origin &&
        (url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`)),
    );
    return sent.map(({ value }) => value).join('; ');
  }

  /** One request; redirects are not followed. */
  async request(url: URL, form?: Readonly<Record<string, string>>): Promise<{ response: Response; url: URL }> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { ...this.headers, cookie: this.cookiesFor(url) },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    this.trace.push(`${form === undefined ? 'GET' : 'POST'} ${url.pathname} ${response.status}`);
    for (const cookie of response.headers.getSetCookie()) this.setCookie(url.origin, cookie);
    return { response, url };
  }

  /** Follows redirects and meta refreshes to the page a person would see. */
  async visit(address: string | URL, form?: Readonly<Record<string, string>>): Promise<VisitedPage> {
    let { response, url } = await this.request(new URL(address), form);
    for (let hop = 0; hop < 20; hop++) {
      const html = await response.text();
      const refresh = /<meta http-equiv="refresh" content="0; url=([^"]+)"/.exec(html)?.[1];
      const next = response.headers.get('location') ?? refresh?.replaceAll('&amp;', '&');
      if (next === undefined || next === null) return new VisitedPage(this, url, response, html);
      ({ response, url } = await this.request(new URL(next, url)));
    }
    throw new Error(`too many redirects: ${this.trace.join(', ')}`);
  }
}

export class VisitedPage {
  constructor(
    readonly browser: PlainBrowser,
    readonly url: URL,
    readonly response: Response,
    readonly html: string,
  ) {}

  get title(): string {
    return /<h1>([\s\S]*?)<\/h1>/.exec(this.html)?.[1]?.trim() ?? '';
  }

  /** Sends the page's form with its hidden fields, its ticked boxes, and these. */
  submit(fields: Readonly<Record<string, string>>): Promise<VisitedPage> {
    const form = /<form[\s\S]*?<\/form>/.exec(this.html)?.[0] ?? '';
    const given =
      /<input type="(?:hidden" name="([^"]+)" value="([^"]*)"|checkbox" name="([^"]+)" value="([^"]*)" checked)\/?>/g;
    const fieldsOfPage = [...form.matchAll(given)].map(([, name, value, box, on]) => [name ?? box, value ?? on]);
    const action = /action="([^"]+)"/.exec(form)?.[1] ?? this.url.href;
    const all = { ...Object.fromEntries(fieldsOfPage), ...fields };
    return this.browser.visit(new URL(action, this.url), all);
  }
}
