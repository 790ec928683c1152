/** So often the links are asked for a confirmation while a server is held back: what has gone may be forgotten then. */
const REVIEW_MS = 1_000;

export interface HeldBytesOptions {
  /** What the calls of one server may hold before it is read no further. */
  readonly limit: number;
  /** Stops the reading of a server's output, or lets it go on. */
  holdBack(server: string, held: boolean): void;
  /** Asks the relay to confirm what it has. */
  review(): void;
}

/**
 * What the calls of each server hold in memory: events and answers that wait for their clients, or that the relay has not
 * confirmed. A server whose calls hold too much is held back until some of it has gone.
 */
export class HeldBytes {
  readonly #byServer = new Map<string, number>();
  readonly #heldBack = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: HeldBytesOptions) {}

  /** Bytes that the calls of all servers hold. */
  get total(): number {
    let total = 0;
    for (const bytes of this.#byServer.values()) total += bytes;
    return total;
  }

  /** Bytes that the calls of a server hold. */
  of(server: string): number {
    return this.#byServer.get(server) ?? 0;
  }

  /** @param bytes more, or less where it is negative */
  change(server: string, bytes: number): void {
    // Calls of the agent itself have no server.
    if (server === '' || bytes === 0) return;
    const held = (this.#byServer.get(server) ?? 0) + bytes;
    if (held === 0) this.#byServer.delete(server);
    else this.#byServer.set(server, held);
    const over = held > this.options.limit;
    if (over === this.#heldBack.has(server)) return;
    if (over) this.#heldBack.add(server);
    else this.#heldBack.delete(server);
    this.options.holdBack(server, over);
    if (this.#heldBack.size === 0) this.close();
    else this.#timer ??= setInterval(() => this.options.review(), REVIEW_MS);
  }

  /** Ends its timer. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
