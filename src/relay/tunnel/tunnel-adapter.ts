import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplicationContext } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import type { WebSocketServer } from 'ws';
import type { Logger } from '../../log/logger.js';
import { MAX_FRAME_BYTES, SUBPROTOCOL } from '../../protocol/frames.js';
import type { Admission } from './admission.js';
import { UpgradeRefused } from './upgrade-refused.js';

/** Ours go in one; a message in this many pieces is an attack. */
const FRAGMENTS_MAX = 256;
const CHUNKS_MAX = 4096;

const LATER = new UpgradeRefused(503, 'unavailable', 'try again', { 'Retry-After': '5' });

/** Nest's WebSocket adapter with the decision before the handshake, and frames that Nest does not look into. */
export class TunnelAdapter extends WsAdapter {
  #server: WebSocketServer | undefined;

  constructor(
    app: INestApplicationContext,
    private readonly admission: Admission,
    private readonly log: Logger,
  ) {
    super(app);
  }

  override create(port: number, options: { path?: string } = {}): WebSocketServer {
    const server: WebSocketServer = super.create(port, {
      ...options,
      // A pong is more than a sign of life here; see AgentLink.
      autoPong: false,
      handleProtocols: () => SUBPROTOCOL,
      maxBufferedChunks: CHUNKS_MAX,
      maxFragments: FRAGMENTS_MAX,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
    });
    this.#server = server;
    return server;
  }

  /** Answers an upgrade request: 101 and the gateway, or a plain HTTP refusal. The socket has an error listener. Never rejects. */
  async upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const principal = await this.admission.admit(req);
      if (socket.destroyed) return;
      const server = this.#server;
      server?.handleUpgrade(req, socket, head, (client) => server.emit('connection', client, req, principal));
    } catch (error) {
      if (!(error instanceof UpgradeRefused)) {
        this.log.error('upgrade failed', { problem: error instanceof Error ? error.stack : String(error) });
      }
      refuse(socket, error instanceof UpgradeRefused ? error : LATER);
    }
  }

  /** Otherwise Nest parses every frame as JSON of its own shape. */
  override bindMessageHandlers(): void {}

  /** Links have error handlers of their own. */
  override bindErrorHandler(server: WebSocketServer): WebSocketServer {
    return server.on('error', (error) => this.log.error('WebSocket server', { problem: error.message }));
  }

  /** Upgrades come through `upgrade`, for which the relay listens itself. */
  protected override ensureHttpServerExists(port: number, httpServer?: Server): Server | undefined {
    this.httpServersRegistry.set(port, httpServer);
    return httpServer;
  }
}

/** Writes a whole HTTP response on a socket that will not become a WebSocket, and ends it. */
export function refuse(socket: Duplex, refusal: UpgradeRefused): void {
  const body = JSON.stringify({ error: refusal.error, error_description: refusal.message });
  const headers = {
    ...refusal.headers,
    Connection: 'close',
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const status = `${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`;
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`);
}
