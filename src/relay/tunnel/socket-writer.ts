import type { Duplex } from 'node:stream';

/**
 * Joins what is written to one socket while the relay goes through a round of events into one write: a write costs the
 * system far more than the frame in it, and frames come in bursts. Never later than the end of that round.
 */
export class SocketWriter {
  #corked = false;

  /** @param socket the one under the WebSocket */
  constructor(private readonly socket: Duplex) {}

  /** Call it ahead of a write. */
  gather(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.socket.cork();
    setImmediate(() => {
      this.#corked = false;
      this.socket.uncork();
    });
  }
}
