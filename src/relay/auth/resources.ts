/** The two scopes: `mcp` opens /mcp, `tunnel` opens /ws. */
export type Scope = 'mcp' | 'tunnel';

export interface Resource {
  /** RFC 8707 identifier, exactly as it stands in a token's `aud`. */
  readonly uri: string;
  readonly path: string;
  readonly scope: Scope;
}

// A device or server name, more loosely than names are made: documents are given for any well-formed path.
const SEGMENT = '[A-Za-z0-9_][A-Za-z0-9._~-]{0,63}';
const PATH = new RegExp(`^/(?:ws|mcp(?:/${SEGMENT}){0,2})$`);

/** The protected resources of one relay: `<issuer>/ws`, `<issuer>/mcp[/<device>[/<server>]]`. */
export class Resources {
  readonly #origin: string;

  /** @param issuer the relay's public URL without a trailing slash */
  constructor(readonly issuer: string) {
    this.#origin = new URL(issuer).origin;
  }

  get mcp(): Resource {
    return { uri: `${this.issuer}/mcp`, path: '/mcp', scope: 'mcp' };
  }

  get tunnel(): Resource {
    return { uri: `${this.issuer}/ws`, path: '/ws', scope: 'tunnel' };
  }

  /** The resource at a request's path; one trailing slash is forgiven. */
  at(path: string): Resource | undefined {
    const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    if (!PATH.test(bare)) return undefined;
    return { uri: `${this.issuer}${bare}`, path: bare, scope: bare === '/ws' ? 'tunnel' : 'mcp' };
  }

  /** The resource a client means, whatever the case of its scheme and host and with or without a trailing slash. */
  parse(indicator: string): Resource | undefined {
    if (!URL.canParse(indicator)) return undefined;
    const url = new URL(indicator);
    const extra = url.username || url.password || url.search || url.hash;
    return url.origin === this.#origin && !extra ? this.at(url.pathname) : undefined;
  }

  /**
   * True when a token for `audience` may be used at `resource`: one for /mcp serves every device, one for a device all
   * its servers, never the reverse.
   */
  covers(audience: string, resource: string): boolean {
    if (audience === resource) return true;
    const narrows = audience === this.mcp.uri || audience.startsWith(`${this.mcp.uri}/`);
    return narrows && resource.startsWith(`${audience}/`);
  }
}
