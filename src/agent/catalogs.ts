import { randomBytes } from 'node:crypto';
import { FrameType } from '../protocol/frames.js';
import { type Catalog, encodeJson } from '../protocol/messages.js';
import type { Connection } from './link/connection.js';
import type { LocalServers } from './servers/types.js';

/** Tells the relay what each local server offers; whole each time, since the last word counts. */
export class Catalogs {
  #seq = 0;

  constructor(private readonly servers: LocalServers) {}

  sendAll(connection: Connection): void {
    for (const { name } of this.servers.states()) this.send(name, connection);
  }

  /** Sends one server's offer as it stands; nothing without a link, since each new link gets all of them. */
  send(server: string, connection: Connection | undefined): void {
    const state = this.servers.states().find(({ name }) => name === server);
    if (connection === undefined || state === undefined) return;
    const offer = this.servers.offer(server);
    this.#seq += 1;
    const catalog: Catalog = {
      seq: this.#seq,
      server,
      status: state.status,
      ...(state.reason === undefined ? {} : { reason: state.reason }),
      ...(offer === undefined ? {} : { offer }),
    };
    connection.message(FrameType.catalog, randomBytes(16).toString('hex'), encodeJson(catalog));
  }
}
