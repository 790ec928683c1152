import { chmod } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { AgentSnapshot } from '../agent-types.js';
import { ServerError, type ServerState } from '../servers/types.js';
import {
  ControlError,
  type ControlReply,
  type ControlRequest,
  decodeRequest,
  type HolderInfo,
  readLines,
} from './control-protocol.js';

const CONNECTIONS = 256;

/** What the control socket asks of its holder. Each may throw ControlError. */
export interface ControlHandlers {
  info(): HolderInfo;
  snapshot(): AgentSnapshot;
  restart(server: string | undefined, signal: AbortSignal): Promise<readonly ServerState[]>;
  stop(): void;
  /** How many sessions are connected now. */
  sessions(count: number): void;
}

/** Answers every process of this user that connects. */
export class ControlServer {
  readonly #handlers: ControlHandlers;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<Socket>();

  constructor(handlers: ControlHandlers) {
    this.#handlers = handlers;
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = CONNECTIONS;
  }

  /** @throws the system's error, EADDRINUSE where something stands at the address */
  async listen(address: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    // Its folder is closed to others already; this is the second lock.
    if (process.platform !== 'win32') await chmod(address, 0o600);
  }

  /** Ends every connection and removes the socket. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: Socket): void {
    const gone = new AbortController();
    this.#sockets.add(socket);
    // An error is followed by close, which is all that matters here.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#sockets.delete(socket);
      gone.abort();
      if (this.#sessions.delete(socket)) this.#handlers.sessions(this.#sessions.size);
    });
    const onLine = async (line: string) => {
      const reply = await this.#answer(line, socket, gone.signal);
      if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
    };
    readLines(
      socket,
      (line) => void onLine(line),
      () => socket.destroy(),
    );
  }

  async #answer(line: string, socket: Socket, signal: AbortSignal): Promise<ControlReply> {
    const request = decodeRequest(line);
    if (request === undefined) return failure(0, new ControlError('bad_request', 'Not a request of this protocol.'));
    try {
      return { id: request.id, result: await this.#run(request, socket, signal) };
    } catch (error) {
      return failure(request.id, error);
    }
  }

  async #run(request: ControlRequest, socket: Socket, signal: AbortSignal): Promise<unknown> {
    switch (request.op) {
      case 'hello':
        if (request.role === 'session' && !socket.destroyed) {
          this.#sessions.add(socket);
          this.#handlers.sessions(this.#sessions.size);
        }
        return this.#handlers.info();
      case 'status':
        return this.#handlers.snapshot();
      case 'restart':
        return this.#handlers.restart(request.server, signal);
      case 'ping':
        return null;
      case 'stop':
        this.#handlers.stop();
        return null;
    }
  }
}

function failure(id: number, error: unknown): ControlReply {
  if (error instanceof ControlError) return { id, error: { code: error.code, message: error.message } };
  const code = error instanceof ServerError && error.code === 'unknown_server' ? 'unknown_server' : 'failed';
  return { id, error: { code, message: error instanceof Error ? error.message : String(error) } };
}
