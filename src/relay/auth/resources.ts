/** `mcp` opens /mcp, `mcp:manage` allows the tool `restart` there, `tunnel` opens /ws. */
export type Scope = 'mcp' | 'mcp:manage' | 'tunnel';

export const MANAGE_SCOPE = 'mcp:manage';

export interface Resource {
  /** RFC 8707 identifier, exactly as it stands in a token's `aud`. */
  readonly uri: string;
  readonly path: string;
  /** What opens it. */
  readonly scope: Exclude<Scope, typeof MANAGE_SCOPE>;
  /** All that a token for it may have. */
  readonly scopes: readonly Scope[];
}

// A device or server name, more loosely than names are made: documents are given for any well-formed path.
const SEGMENT = '[A-Za-z0-9_][A-Za-z0-9._~-]{0,63}';
/** So many are kept: a well-formed path may be anybody's. */
const KNOWN = 256;
const PATH = new RegExp(`^/(?:ws|mcp(?:/${SEGMENT}){0,2})$`);

/** The protected resources of one relay: `<issuer>/ws`, `<issuer>/mcp[/<device>[/<server>]]`. */
export class Resources {
  readonly #origin: string;
  /** By their paths, the oldest first. */
  readonly #known = new Map<string, Resource>();

  /** @param issuer the relay's public URL without a trailing slash */
  constructor(readonly issuer: string) {
    this.#origin = new URL(issuer).origin;
  }

  get mcp(): Resource {
    return this.#resource('/mcp');
  }

  get tunnel(): Resource {
    return this.#resource('/ws');
  }

  /** The resource at a request's path; one trailing slash is forgiven. */
  at(path: string): Resource | undefined {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    if (!PATH.test(bare)) return undefined;
    const resource = this.#resource(bare);
    this.#keep(path, resource);
    return resource;
  }

  #keep(path: string, resource: Resource): void {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= KNOWN) this.#known.delete(oldest);
    this.#known.set(path, resource);
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

  #resource(path: string): Resource {
    const uri = `${this.issuer}${path}`;
    if (path === '/ws') return { uri, path, scope: 'tunnel', scopes: ['tunnel'] };
    // A server's own endpoint has no tools of the relay's, so there is nothing to manage.
    const merged = path.split('/').length < 4;
    return { uri, path, scope: 'mcp', scopes: merged ? ['mcp', MANAGE_SCOPE] : ['mcp'] };
  }
}
