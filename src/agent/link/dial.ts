import type { Agent, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import WebSocket from 'ws';
import { isLoopbackHost } from '../../config/urls.js';
import { LINK_PATH, MAX_FRAME_BYTES, SUBPROTOCOL } from '../../protocol/frames.js';
import { isAwayStatus, isCertificateProblem, saysAway } from '../network.js';

export type DialErrorCode =
  /** 401: the token is not good (any more). */
  | 'unauthorized'
  /** 403: this login may not connect devices. */
  | 'forbidden'
  /** The relay asks to come back later: 429, or Retry-After. */
  | 'unavailable'
  /** Nothing listens at its port, or a proxy in front says that nothing does. */
  | 'away'
  /** It answered, and not as a relay does. */
  | 'not_a_relay'
  /** No connection at all. */
  | 'network';

export class DialError extends Error {
  constructor(
    readonly code: DialErrorCode,
    message: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

export interface DialOptions {
  /** http(s) origin of the relay. */
  readonly relay: string;
  readonly token: string;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly proxy?: Agent | undefined;
}

export interface Dialled {
  /** Open, and paused, so that no frame is lost before a reader is there. */
  readonly socket: WebSocket;
  /** The socket under it. */
  readonly wire: Socket;
}

const HANDSHAKE_MS = 15_000;

/** A masking key that changes nothing, so that neither end goes over every byte for it: docs/decisions/0011-masking-key.md. */
function zeroKey(key: Buffer): void {
  key.fill(0);
}

/** Whether no HTTP intermediary that knows no WebSocket can see the link's bytes, against which masking is meant (RFC 6455 §10.3). */
export function seenByNoIntermediary(relay: string, proxied: boolean): boolean {
  const { protocol, hostname } = new URL(relay);
  return protocol === 'https:' || (!proxied && isLoopbackHost(hostname));
}

/**
 * Opens the link's WebSocket; the token goes in the Authorization header (RFC 6750 §2.1), never in the URL.
 * @throws DialError, or the signal's reason
 */
export function dial(options: DialOptions): Promise<Dialled> {
  const { relay, signal } = options;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = new WebSocket(relay.replace(/^http/, 'ws') + LINK_PATH, SUBPROTOCOL, {
      headers: { authorization: `Bearer ${options.token}`, 'user-agent': `mcp-local-tunnel/${options.version}` },
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
      ...(seenByNoIntermediary(relay, options.proxy !== undefined) ? { generateMask: zeroKey } : {}),
      ...(options.proxy === undefined ? {} : { agent: options.proxy }),
    });
    const settle = (act: () => void): void => {
      signal.removeEventListener('abort', abort);
      act();
    };
    const abort = (): void => {
      socket.terminate();
      settle(() => reject(signal.reason));
    };
    signal.addEventListener('abort', abort, { once: true });
    // The response to the upgrade is told just ahead of 'open'.
    socket.once('upgrade', ({ socket: wire }) =>
      socket.once('open', () => {
        socket.pause();
        settle(() => resolve({ socket, wire }));
      }),
    );
    socket.once('unexpected-response', (request, response) => {
      response.resume();
      request.destroy();
      settle(() => reject(refusal(relay, response)));
    });
    // Also swallows what a destroyed socket still says: the promise has been settled by then.
    socket.on('error', (error) =>
      settle(() => reject(new DialError(saysAway(error) ? 'away' : 'network', networkProblem(relay, error)))),
    );
  });
}

function refusal(relay: string, response: IncomingMessage): DialError {
  const status = response.statusCode ?? 0;
  // Digits only: a date (RFC 9110 §10.2.3) depends on two clocks, and is no relay's.
  const later = response.headers['retry-after'];
  const wait = later !== undefined && /^\d{1,9}$/.test(later) ? Number(later) : undefined;
  if (status === 401) return new DialError('unauthorized', `${relay} does not accept this login`);
  if (status === 403) return new DialError('forbidden', `${relay} does not let this login connect a device`);
  if (status === 429 || (status === 503 && wait !== undefined)) {
    return new DialError('unavailable', `${relay} asks to come back later (status ${status})`, wait);
  }
  if (isAwayStatus(status)) return new DialError('away', `${relay} does not answer (status ${status})`, wait);
  if (status >= 500 || status === 408) return new DialError('network', `${relay} answered ${status}`);
  return new DialError(
    'not_a_relay',
    `${relay} answered ${status} where a relay opens a WebSocket: check "relay" in the config, and that the proxy in front passes WebSocket upgrades on ${LINK_PATH}`,
  );
}

function networkProblem(relay: string, error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === 'ENOTFOUND') return `${new URL(relay).hostname} is not known to DNS`;
  if (code === 'ECONNREFUSED') return `nothing answers at ${relay}`;
  if (code !== undefined && isCertificateProblem(code)) {
    return `the certificate of ${relay} is not trusted (${code}): a private CA is named by NODE_EXTRA_CA_CERTS`;
  }
  return `no connection to ${relay}: ${error.message}`;
}
