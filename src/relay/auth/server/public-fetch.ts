import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { isPublicAddress } from './public-address.js';

/** Every address a host name has. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const ANSWER_MS = 2500;
/** For name, connection, answer and body together, where the caller's signal sets no other limit. */
const LONGEST_MS = 4 * ANSWER_MS;
/** Statuses that have no body (Fetch §2.2.3). */
const BODYLESS: ReadonlySet<number | undefined> = new Set([204, 205, 304]);

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
  readonly #allows: (address: string) => boolean;

  /**
   * @param resolve the system's resolver where absent
   * @param road for tests, which have nobody on the public internet: where else it leads, and the root trusted there
   */
  constructor(
    private readonly resolve: Resolve = resolveBySystem,
    road: { readonly allows?: (address: string) => boolean; readonly ca?: string } = {},
  ) {
    // A stranger's host is asked once: it must not keep connections of ours.
    this.#agent = new Agent({ keepAlive: false, ...(road.ca !== undefined && { ca: road.ca }) });
    this.#allows = road.allows ?? isPublicAddress;
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

  /**
   * A `fetch` with the guard in front, for requests without a body. Rejects with TypeError; the cause says why.
   * By node:https: with undici the relay would start with two of them, its own and Node's, in 60 ms of CPU and 10 MB.
   */
  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(typeof input === 'string' || input instanceof URL ? input : input.url);
    if (url.protocol !== 'https:') throw new TypeError('only https is fetched');
    try {
      const answer = await this.#ask(url, init);
      const { statusCode: status = 0, headersDistinct } = answer;
      const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      if (BODYLESS.has(status)) answer.destroy();
      return new Response(BODYLESS.has(status) ? null : Readable.toWeb(answer), { status, headers });
    } catch (cause) {
      throw new TypeError('fetch failed', { cause });
    }
  };

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  async #ask(url: URL, init: RequestInit): Promise<IncomingMessage> {
    const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const signal = AbortSignal.any([...(init.signal ? [init.signal] : []), AbortSignal.timeout(LONGEST_MS)]);
    const address = await before(signal, this.#pin(hostname));
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent: this.#agent,
          // The address that was checked; the name is for the certificate alone, and an address there has no name.
          host: address,
          servername: isIP(hostname) === 0 ? hostname : '',
          port: url.port,
          path: `${url.pathname}${url.search}`,
          method: init.method ?? 'GET',
          headers: { accept: '*/*', ...headersOf(init), host: url.host },
          signal,
          timeout: ANSWER_MS,
        },
        resolve,
      );
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
      sent.on('error', reject);
      sent.end();
    });
  }

  async #pin(hostname: string): Promise<string> {
    const addresses = await this.resolve(hostname);
    const [first] = addresses;
    if (first === undefined || !addresses.every(this.#allows)) throw new PrivateAddressError();
    return first;
  }
}

/** @throws the signal's reason when it comes first */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function headersOf({ headers }: RequestInit): Record<string, string> {
  return headers === undefined ? {} : Object.fromEntries(new Headers(headers));
}

async function resolveBySystem(hostname: string): Promise<readonly string[]> {
  const found = await lookup(hostname, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}
