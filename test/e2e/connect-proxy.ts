import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';

/** A company's HTTP proxy: CONNECT only, with names of its own for hosts that no DNS knows. */
export class ConnectProxy implements AsyncDisposable {
  /** Who asked for what, as `user host:port`, oldest first. */
  readonly tunnels: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((_req, res) => void res.writeHead(405).end('CONNECT only'));
  #port = 0;

  private constructor(private readonly hosts: Readonly<Record<string, number>>) {
    this.#server.on('connect', (req, client: Socket) => {
      const [, credentials = ''] = (req.headers['proxy-authorization'] ?? '').split(' ');
      const [user = ''] = Buffer.from(credentials, 'base64').toString().split(':');
      const target = req.url ?? '';
      this.tunnels.push(`${user} ${target}`);
      this.#keep(client);
      const port = this.hosts[target];
      if (port === undefined) {
        client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
        return;
      }
      const upstream = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      this.#keep(upstream);
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
    });
  }

  /** @param hosts `host:port` to the port on this machine it stands for */
  static async open(hosts: Readonly<Record<string, number>>): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(hosts);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    const address = proxy.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    proxy.#port = address.port;
    return proxy;
  }

  /** Its URL for this user. */
  urlFor(user: string): string {
    return `http://${user}:secret@127.0.0.1:${this.#port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
