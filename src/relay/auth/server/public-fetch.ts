import { lookup } from 'node:dns/promises';
import { Agent, buildConnector, fetch as undiciFetch } from 'undici';
import { isPublicAddress } from './public-address.js';

/** Every address a host name has. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const ANSWER_MS = 2500;

export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';

  constructor() {
    super('the host is not on the public internet');
  }
}

/**
 * Fetches what a stranger's URL names (client documents, keys) without becoming their way into the private network:
 * https only, the name resolved once, refused when one of its addresses is not public, the connection pinned to the
 * address that was checked, no redirects. Size and time are limited by oidc-provider, which aborts through the signal.
 */
export class PublicFetch {
  readonly #agent: Agent;

  /** @param resolve the system's resolver where absent */
  constructor(private readonly resolve: Resolve = resolveBySystem) {
    const connect = buildConnector({ timeout: ANSWER_MS });
    this.#agent = new Agent({
      // A stranger's host is asked once: it must not keep connections of ours.
      pipelining: 0,
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
      connect: (options, callback) => {
        this.#pin(options.hostname).then(
          (address) => connect({ ...options, hostname: address }, callback),
          (error: unknown) => callback(error instanceof Error ? error : new PrivateAddressError(), null),
        );
      },
    });
  }

  /** A guard that is known to refuse. @throws Error when it does not, and then the relay must not start */
  static async checked(resolve?: Resolve): Promise<PublicFetch> {
    const guard = new PublicFetch(resolve);
    const refused = await guard.fetch('https://127.0.0.1/').then(
      () => false,
      (error: unknown) => error instanceof Error && error.cause instanceof PrivateAddressError,
    );
    if (refused) return guard;
    await guard.close();
    throw new Error('The guard against requests into the private network does not work with this Node.js.');
  }

  /** A `fetch` with the guard in front. Rejects with TypeError; the cause says why. */
  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol !== 'https:') throw new TypeError('only https is fetched');
    const { status, headers, body } = await undiciFetch(url, {
      method: init.method ?? 'GET',
      headers: [...new Headers(init.headers)],
      redirect: 'manual',
      signal: init.signal ?? null,
      dispatcher: this.#agent,
    });
    return new Response(body, { status, headers: [...headers] });
  };

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #pin(hostname: string): Promise<string> {
    const addresses = await this.resolve(hostname.replace(/^\[(.*)\]$/, '$1'));
    const [first] = addresses;
    if (first === undefined || !addresses.every(isPublicAddress)) throw new PrivateAddressError();
    return first;
  }
}

async function resolveBySystem(hostname: string): Promise<readonly string[]> {
  const found = await lookup(hostname, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}
