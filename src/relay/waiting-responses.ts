import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Responses of requests that were sent behind others on one connection, and wait for their turn. Node tells of the
 * connection's end only the response whose turn it is: all that is held for the others, or goes on for them, would stay.
 */
export class WaitingResponses {
  readonly #of = new WeakMap<Socket, Set<ServerResponse>>();

  /** For a response that its connection has just begun. From now on it closes with that, as any other does. */
  add(socket: Socket, res: ServerResponse): void {
    // Its turn has come: Node tells it.
    if (res.socket !== null) return;
    const waiting = this.#of.get(socket) ?? this.#begin(socket);
    waiting.add(res);
    res.once('socket', () => waiting.delete(res));
  }

  #begin(socket: Socket): Set<ServerResponse> {
    const waiting = new Set<ServerResponse>();
    this.#of.set(socket, waiting);
    socket.once('close', () => {
      for (const res of waiting) end(res);
      waiting.clear();
    });
    return waiting;
  }
}

/** Node.js 24 tells it of its end by itself once it is destroyed, 20 does not. */
function end(res: ServerResponse): void {
  let told = false;
  res.once('close', () => {
    told = true;
  });
  res.destroy();
  setImmediate(() => {
    if (!told) res.emit('close');
  });
}
