import type { IncomingMessage } from 'node:http';
import { isLoopbackLiteral } from '../config/urls.js';

/** Tells whether a hop may be believed: the peer is hop 0. Express's `trust proxy fn`. */
export type TrustHop = (address: string, hop: number) => boolean;

export interface HostProblem {
  readonly status: 403 | 421;
  readonly error: string;
  readonly message: string;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Which names the relay answers to, and which pages may speak to it: against DNS rebinding and foreign pages. */
export class HostRule {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor(
    private readonly publicUrl: string,
    private readonly trust: TrustHop,
  ) {
    const url = new URL(publicUrl);
    const names = isLoopbackLiteral(url.hostname) ? [url.hostname, ...LOOPBACK] : [url.hostname];
    const origins = names.map((name) => new URL(`${url.protocol}//${name}${url.port === '' ? '' : `:${url.port}`}`));
    this.#hosts = new Set(origins.map((origin) => origin.host));
    this.#origins = new Set(origins.map((origin) => origin.origin));
  }

  /** @param anyOrigin pages of all sites may ask for this. @returns why the request is refused, or undefined */
  problem(req: IncomingMessage, anyOrigin = false): HostProblem | undefined {
    if (!this.#hosts.has(this.#host(req))) {
      const message = `this relay answers to ${this.publicUrl} only; if that is not its address, set "issuerUrl", and let a proxy in front keep the Host header`;
      return { status: 421, error: 'misdirected_request', message };
    }
    const { origin } = req.headers;
    if (origin !== undefined && !anyOrigin && !this.#origins.has(origin.toLowerCase())) {
      return { status: 403, error: 'forbidden_origin', message: 'pages of other sites may not use this relay' };
    }
    return undefined;
  }

  /** Host as the client wrote it, without its scheme's own port. */
  #host(req: IncomingMessage): string {
    const forwarded = req.headers['x-forwarded-host'];
    const peer = req.socket.remoteAddress ?? '';
    const believed = typeof forwarded === 'string' && this.trust(peer, 0);
    const host = believed ? (forwarded.split(',', 1)[0] ?? '').trim() : (req.headers.host ?? '');
    // As nearly everybody writes it.
    if (this.#hosts.has(host)) return host;
    const url = `${new URL(this.publicUrl).protocol}//${host}`;
    // Anything else than a host and a port in it is no Host.
    return /^[a-zA-Z0-9.\-[\]:]+$/.test(host) && URL.canParse(url) ? new URL(url).host : '';
  }
}
