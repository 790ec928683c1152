interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

export interface Landing {
  readonly url: URL;
  readonly status: number;
  readonly body: string;
  readonly response: Response;
}

/** As much of a browser as a login needs: cookies by path, and redirects until they leave the relay. */
export class Browser {
  #cookies: Cookie[] = [];

  constructor(private readonly origin: string) {}

  /** Every cookie it holds, as `name=value`. */
  get cookies(): readonly string[] {
    return this.#cookies.map(({ name, value }) => `${name}=${value}`);
  }

  /** Follows redirects until a page, or a URL that is not the relay's (never requested). */
  async open(target: string | URL, init: RequestInit = {}): Promise<Landing> {
    let url = new URL(target, this.origin);
    let next = init;
    for (let hop = 0; hop < 10; hop += 1) {
      const headers = new Headers(next.headers);
      headers.set('cookie', this.#for(url));
      const response = await fetch(url, { ...next, headers, redirect: 'manual' });
      this.#keep(response);
      const location = response.headers.get('location');
      if (location === null) return { url, status: response.status, body: await response.text(), response };
      url = new URL(location, url);
      if (url.origin !== this.origin) {
        return { url, status: response.status, body: await response.text(), response };
      }
      next = {};
    }
    throw new Error(`too many redirects, last ${url}`);
  }

  #for(url: URL): string {
    return this.#cookies
      .filter(({ path }) => url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  #keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      const attribute = (wanted: string): string | undefined =>
        attributes.find((part) => part.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
      const path = attribute('path') ?? '/';
      this.#cookies = this.#cookies.filter((cookie) => cookie.name !== name || cookie.path !== path);
      const gone = Date.parse(attribute('expires') ?? '') < Date.now();
      if (value !== '' && !gone) this.#cookies.push({ name, value, path });
    }
  }
}
