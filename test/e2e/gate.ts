import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

export interface HeldCall {
  /** Ends the call with this text. */
  end(text: string): void;
  /** Whether the tool waited for its answer or gave up: it was cancelled, or ended. */
  readonly given: Promise<'answered' | 'given up'>;
}

/** The other end of the fixture's tool `gate`: a call arrives here, and ends when the test says so. */
export class Gate implements AsyncDisposable {
  readonly #server = createServer((_req, res) => {
    this.#arrived.push(res);
    this.#wake();
  });
  readonly #arrived: ServerResponse[] = [];
  #waiting: (() => void)[] = [];
  url = '';

  static async open(): Promise<Gate> {
    const gate = new Gate();
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    const address = gate.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    gate.url = `http://127.0.0.1:${address.port}/`;
    return gate;
  }

  /** The next call that has not been taken, whenever it comes. */
  async next(): Promise<HeldCall> {
    for (;;) {
      const response = this.#arrived.shift();
      if (response !== undefined) {
        const closed = once(response, 'close');
        return {
          end: (text) => void response.end(text),
          given: closed.then(() => (response.writableFinished ? 'answered' : 'given up')),
        };
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
