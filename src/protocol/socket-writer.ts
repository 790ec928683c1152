/** What of a socket this needs: Node's streams have it. */
export interface Corkable {
  cork(): void;
  uncork(): void;
}

/**
 * Joins what is written to one socket during a round of the event loop into one write: a write costs the system far
 * more than the frame in it, and frames come in bursts. Nothing waits longer than to the end of that round.
 */
export class SocketWriter {
  #corked = false;

  /** @param socket the one under the WebSocket */
  constructor(private readonly socket: Corkable) {}

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
