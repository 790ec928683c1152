import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Connections of agents' links, and all others: a client's connection carries one request after the other. */
export const LINKS = /^GET \/ws /;
export const CLIENTS = /^(?!GET \/ws )/;

interface Pair {
  readonly client: Socket;
  readonly relay: Socket;
  /** First line of the first request. */
  readonly request: string;
}

/** A TCP proxy in front of a relay whose network a test can spoil. */
export class Front implements AsyncDisposable {
  readonly #pairs = new Set<Pair>();
  readonly #clients = new Set<Socket>();
  readonly #server = createServer((client) => this.#accept(client));
  #refusing: RegExp | undefined;
  #refused: (() => void)[] = [];
  #meter: { readonly request: RegExp; left: number; readonly done: () => void } | undefined;
  /** Where the relay listens. */
  target = 0;
  url = '';

  static async open(): Promise<Front> {
    const front = new Front();
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    const address = front.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    front.url = `http://localhost:${address.port}`;
    return front;
  }

  /** Resets connections whose first request matches: {@link LINKS} or {@link CLIENTS}. @returns how many */
  cut(request: RegExp): number {
    const cut = this.#matching(request);
    for (const pair of cut) this.#end(pair);
    return cut.length;
  }

  /** No byte passes any more, and nobody is told: what a network does that has gone. @returns how many */
  freeze(request: RegExp): number {
    const frozen = this.#matching(request);
    for (const { client, relay } of frozen) {
      client.unpipe(relay).pause();
      relay.unpipe(client).pause();
    }
    return frozen.length;
  }

  /** Resets connections of this kind, those to come too, once their clients have sent so many bytes more; resolves then. */
  cutAfter(request: RegExp, bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#meter = { request, left: bytes, done: resolve };
    });
  }

  /** Resets new connections of this kind until `accept`; resolves at the first. */
  refuse(request: RegExp): Promise<void> {
    this.#refusing = request;
    return new Promise((resolve) => this.#refused.push(resolve));
  }

  accept(): void {
    this.#refusing = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) this.#end(pair);
    // Those that have not said anything yet.
    for (const client of this.#clients) client.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #matching(request: RegExp): Pair[] {
    return [...this.#pairs].filter((pair) => request.test(pair.request));
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.on('error', () => undefined);
    client.on('close', () => this.#clients.delete(client));
    client.once('data', (first) => {
      const request = first.toString('latin1').split('\r\n', 1)[0] ?? '';
      if (this.#refusing?.test(request)) {
        client.destroy();
        for (const resolve of this.#refused.splice(0)) resolve();
        return;
      }
      const relay = connect(this.target, '127.0.0.1');
      const pair = { client, relay, request };
      this.#pairs.add(pair);
      relay.on('error', () => client.destroy());
      for (const socket of [client, relay]) socket.on('close', () => this.#end(pair));
      relay.write(first);
      client.on('data', (chunk) => this.#count(pair, chunk.length));
      client.pipe(relay).pipe(client);
    });
  }

  #count(pair: Pair, bytes: number): void {
    const meter = this.#meter;
    if (meter === undefined || !meter.request.test(pair.request)) return;
    meter.left -= bytes;
    if (meter.left > 0) return;
    this.#meter = undefined;
    this.#end(pair);
    meter.done();
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.relay.destroy();
  }
}
