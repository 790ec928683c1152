import { createServer, IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Limits } from '../config/config.js';
import { clientNetwork } from './client-network.js';
import { FrontResponse } from './front-response.js';
import type { TrustHop } from './host-rule.js';
import { ListenError } from './listen-error.js';
import { WaitingResponses } from './waiting-responses.js';

export interface FrontHandlers {
  readonly request: (req: IncomingMessage, res: FrontResponse) => void;
  /** Must not reject. */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
}

const CHECK_MS = 1000;
/** Agents that may wait for the rest of a start; more are told to come back. */
const EARLY_MAX = 1000;

/** The relay's one HTTP server: bound first, answering 503 until the rest is there, when agents that wait are let in. */
export class HttpFront {
  readonly server: Server<typeof IncomingMessage, typeof FrontResponse>;
  readonly #perAddress = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  /** Agents that wait for the start, which is over when they are called. */
  readonly #early = new Set<() => void>();
  readonly #waiting = new WaitingResponses();
  #handlers: FrontHandlers | undefined;

  /** @param trust connections of a proxy that is believed are not counted: they are everybody's */
  constructor(
    private readonly limits: Limits,
    private readonly trust: TrustHop,
  ) {
    this.server = createServer(
      {
        IncomingMessage,
        ServerResponse: FrontResponse,
        connectionsCheckingInterval: CHECK_MS,
        headersTimeout: limits.headerSeconds * 1000,
        // Until a request is whole; how long its answer takes is nobody's business here.
        requestTimeout: (limits.headerSeconds + limits.bodySeconds) * 1000,
        keepAliveTimeout: limits.idleSeconds * 1000,
      },
      (req, res) => this.#request(req, res),
    );
    this.server.on('upgrade', (req, socket, head) => void this.#upgrade(req, socket, head));
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      const address = this.#count(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        if (address !== undefined) this.#uncount(address);
      });
    });
  }

  /** What sockets have been given and have not sent. */
  get unsentBytes(): number {
    let bytes = 0;
    for (const socket of this.#sockets) bytes += socket.writableLength;
    return bytes;
  }

  /** @returns the port that was bound. @throws ListenError */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error) => reject(ListenError.from(error, port, host));
      this.server.once('error', failed);
      this.server.listen({ port, host }, () => {
        this.server.off('error', failed);
        resolve();
      });
    });
    return addressOf(this.server).port;
  }

  /** From now on requests and upgrades go here. */
  serve(handlers: FrontHandlers): void {
    this.#handlers = handlers;
    for (const started of this.#early) started();
  }

  /** Takes no new connection, ends idle ones now and the others within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const started of this.#early) started();
    this.server.closeIdleConnections();
    // Node counts as idle only who has asked before; browsers and balancers connect ahead of need.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
    const timer = setTimeout(() => this.server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  #request(req: IncomingMessage, res: FrontResponse): void {
    // Only a proxy's clients send a whole URL (RFC 9112 §3.2.2), and parsers do not agree on what is one.
    if (req.url?.startsWith('/') !== true) {
      sendJson(res, 400, { error: 'invalid_request', error_description: 'send a path, not a URL' });
    } else if (this.#handlers !== undefined) {
      this.#waiting.add(req.socket, res);
      this.#handlers.request(req, res);
    } else if (req.url === '/healthz') {
      sendJson(res, 200, { status: 'ok' });
    } else {
      res.setHeader('Retry-After', '1');
      sendJson(res, 503, { error: 'unavailable', error_description: 'starting' });
    }
  }

  async #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Without a listener a peer's reset would end the process; 'close' follows, and says all there is to say.
    socket.on('error', () => undefined);
    // An agent that dials just now is back sooner than by trying again, and a thousand of them do not try again and again.
    if (this.#handlers === undefined && this.#early.size < EARLY_MAX) await this.#started(socket);
    if (this.#handlers !== undefined) return this.#handlers.upgrade(req, socket, head);
    socket.once('finish', () => socket.destroy());
    socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  }

  /** Resolves when the relay serves, when it never will, and when the agent has gone. */
  #started(socket: Duplex): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#early.delete(end);
        socket.off('close', end);
        resolve();
      };
      this.#early.add(end);
      socket.once('close', end);
    });
  }

  /** @returns what it is counted under until it closes; undefined: it is not */
  #count(socket: Socket): string | undefined {
    const from = socket.remoteAddress;
    if (from === undefined || this.trust(from, 0)) return undefined;
    const address = clientNetwork(from);
    const open = this.#perAddress.get(address) ?? 0;
    if (open >= this.limits.connectionsPerAddress) {
      socket.destroy();
      return undefined;
    }
    this.#perAddress.set(address, open + 1);
    return address;
  }

  #uncount(address: string): void {
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }
}

function sendJson(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address;
}
