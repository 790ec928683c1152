import type WebSocket from 'ws';

export interface HeartbeatEvents {
  /** Just before a ping is sent. */
  ping(): void;
  /** The answer to the last ping came. */
  pong(): void;
}

/** Pings a peer at a fixed pace and ends the socket when nothing at all comes back. Owns its timers until the socket closes. */
export class Heartbeat {
  readonly #interval: NodeJS.Timeout;
  #deadline: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;
  #heard = 0;

  constructor(
    private readonly socket: WebSocket,
    intervalSeconds: number,
    private readonly pongSeconds: number,
    private readonly events: HeartbeatEvents,
  ) {
    this.#interval = setInterval(() => this.ping(), intervalSeconds * 1000);
    socket.on('pong', () => {
      clearTimeout(this.#deadline);
      this.#deadline = undefined;
      events.pong();
    });
  }

  /** Any frame is a sign of life: on a slow line a ping waits behind a large result. */
  heard(): void {
    this.#heard = Date.now();
  }

  /** Sends a ping unless one is under way. */
  ping(): void {
    if (this.#deadline !== undefined || this.socket.readyState !== this.socket.OPEN) return;
    this.events.ping();
    this.socket.ping();
    this.heard();
    this.#expect(this.pongSeconds * 1000);
  }

  /** Until its pong the ping stays under way, so that the pong confirms what was sent before it and nothing later. */
  #expect(ms: number): void {
    this.#deadline = setTimeout(() => {
      const left = this.#heard + this.pongSeconds * 1000 - Date.now();
      if (left > 0) this.#expect(left);
      else this.socket.terminate();
    }, ms);
  }

  /** After a close frame: the socket ends by itself, or at the latest after this time. */
  closeWithin(ms: number): void {
    this.#closing ??= setTimeout(() => this.socket.terminate(), ms);
  }

  stop(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#deadline);
    clearTimeout(this.#closing);
  }
}
