import { uriKey } from '../../../protocol/uris.js';
import type { Devices } from '../../devices/types.js';
import { LastingListen, type ListenTarget } from '../calls/lasting-listen.js';
import type { MergedEndpoint } from '../lists/lists.js';
import { devicesAt } from '../scope.js';
import type { CalledListening, Session } from './session.js';

/** What servers may say there: of lists the relay tells, of resources `Subscriptions`, and what else it is nobody knows. */
const PASSED = new Set(['notifications/message', 'notifications/elicitation/complete']);
const PARAMS = Buffer.from(JSON.stringify({ notifications: {} }));

/**
 * What servers say outside of calls, at an endpoint of several: each server that the session has called is listened to
 * while there is a GET stream. One that refuses, or is not there any more, is left until its next call.
 */
export class CalledListens implements CalledListening {
  /** By the server's key (protocol/uris.ts). */
  readonly #listens = new Map<string, LastingListen>();
  #closed = false;

  constructor(
    private readonly devices: Devices,
    private readonly session: Session,
    private readonly endpoint: MergedEndpoint,
  ) {}

  /** Listens to all that were called, or anew: what the session asks for has changed. */
  open(): void {
    for (const key of [...this.session.called]) this.#open(key);
  }

  /** A request went to this server. */
  called(key: string): void {
    if (!this.#listens.has(key)) this.#open(key);
  }

  close(reason: string): void {
    this.#closed = true;
    for (const listen of this.#listens.values()) listen.close(reason);
    this.#listens.clear();
  }

  #open(key: string): void {
    if (this.#closed) return;
    const listen = this.#listens.get(key) ?? this.#newListen(key);
    this.#listens.set(key, listen);
    listen.open();
  }

  #newListen(key: string): LastingListen {
    const listen: LastingListen = new LastingListen(this.devices, this.session.userId, {
      find: () => {
        const target = this.#target(key);
        if (target === undefined) this.#leave(key, listen);
        return target;
      },
      acknowledged: () => {},
      event: (method, json, taken) => {
        const stream = this.session.mailbox.newest;
        if (stream === undefined || !PASSED.has(method)) taken();
        else stream.send(json, taken);
      },
      refused: () => {
        this.#leave(key, listen);
        return false;
      },
    });
    return listen;
  }

  /** Until it is called again. */
  #leave(key: string, listen: LastingListen): void {
    listen.close('not listened to any more');
    if (this.#listens.get(key) !== listen) return;
    this.#listens.delete(key);
    this.session.called.delete(key);
  }

  #target(key: string): ListenTarget | undefined {
    const { userId, client, logLevel } = this.session;
    for (const device of devicesAt(this.devices, userId, this.endpoint)) {
      const server = device.servers.find(({ name }) => uriKey(device.name, name) === key);
      // One of the stateless revision says nothing outside of requests but what it is asked to tell.
      if (server === undefined || server.era === 'modern') continue;
      const target = { userId, deviceId: device.id, server: server.name };
      return { target, request: { params: PARAMS, client: { ...client, uriKey: key }, logLevel } };
    }
    return undefined;
  }
}
