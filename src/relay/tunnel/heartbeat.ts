import type WebSocket from 'ws';

/** Pings an agent at a fixed pace and ends the socket when nothing at all comes back. Owns its timers until `stop`. */
export class Heartbeat {
  readonly #interval: NodeJS.Timeout;
  #deadline: NodeJS.Timeout | undefined;
  #heard = Date.now();

  constructor(
    private readonly socket: WebSocket,
    intervalMs: number,
    private readonly pongMs: number,
  ) {
    this.#interval = setInterval(() => this.#ping(), intervalMs);
    socket.on('pong', () => this.heard());
  }

  /** Any frame is a sign of life: on a slow line a pong waits behind a large result. */
  heard(): void {
    this.#heard = Date.now();
  }

  stop(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#deadline);
  }

  #ping(): void {
    if (this.#deadline !== undefined) return;
    const pinged = Date.now();
    this.socket.ping();
    this.#deadline = setTimeout(() => {
      this.#deadline = undefined;
      if (this.#heard < pinged) this.socket.terminate();
    }, this.pongMs);
  }
}
