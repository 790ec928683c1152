import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * How often one connection is refused before it is closed, and how many requests it may have open that may be: a flood
 * of them in one pipeline would otherwise keep everybody else waiting. Calls whose token is known are not counted, and
 * nothing is counted by address, which a proxy or a network shares: whoever is refused there may come again at once.
 */
export class Refusals {
  /** Requests that were refused, or are not answered yet. */
  readonly #counted = new WeakMap<Socket, number>();

  /** @param limit see Limits.refusalsPerConnection */
  constructor(private readonly limit: number) {}

  /** The last answer of this connection is on its way: what is sent behind it is not looked at (RFC 9112 §9.6). */
  ended({ socket }: IncomingMessage): boolean {
    return (this.#counted.get(socket) ?? 0) >= this.limit;
  }

  /** For a request that is about to be refused, on a connection that has not ended. */
  add({ socket }: IncomingMessage, res: ServerResponse): void {
    const counted = (this.#counted.get(socket) ?? 0) + 1;
    this.#counted.set(socket, counted);
    if (counted >= this.limit) res.setHeader('Connection', 'close');
  }

  /** As `add`, for a request of which the answer will tell. */
  follow(req: IncomingMessage, res: ServerResponse): void {
    this.add(req, res);
    res.once('finish', () => {
      const counted = this.#counted.get(req.socket) ?? 0;
      if (res.statusCode < 400 && counted < this.limit) this.#counted.set(req.socket, counted - 1);
    });
  }
}
